namespace Ddm.Storage;

/// <summary>One tensor in a safetensors header.</summary>
/// <param name="Name">Its name.</param>
/// <param name="DType">Element type as the format spells it: <c>F32</c>, <c>BF16</c>, <c>I64</c>, <c>U8</c>, ...</param>
/// <param name="Shape">Extent of each dimension; empty for a scalar.</param>
/// <param name="Begin">First byte, counted from <see cref="SafetensorsHeader.DataStart"/>.</param>
/// <param name="End">Byte behind the last, counted alike.</param>
public sealed record TensorInfo(string Name, string DType, long[] Shape, long Begin, long End)
{
    /// <summary>Bytes of data.</summary>
    public long Length => End - Begin;
}
