namespace Ddm.Data;

/// <summary>What is held of one row group of a parquet file.</summary>
/// <param name="Image">The pictures' bytes.</param>
/// <param name="Text">Their captions; null: the file has none.</param>
/// <param name="Group">Their groups; null: the file has none.</param>
internal sealed record ParquetRows(ParquetColumn Image, ParquetColumn? Text, ParquetColumn? Group);
