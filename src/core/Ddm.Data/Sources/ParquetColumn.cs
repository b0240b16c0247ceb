using System.Globalization;
using Parquet;
using Parquet.Data;
using Parquet.Schema;

namespace Ddm.Data;

/// <summary>The values of one column in one row group, by row; of a list the first.</summary>
internal sealed class ParquetColumn
{
    private readonly RawColumnData data;
    private readonly int[] valueOf; // row -> value; -1: null

    private ParquetColumn(RawColumnData data, int[] valueOf)
    {
        this.data = data;
        this.valueOf = valueOf;
    }

    /// <summary>Reads a column.</summary>
    /// <exception cref="InvalidDataException">It has not as many rows as its group.</exception>
    public static ParquetColumn Read(ParquetRowGroupReader group, DataField field)
    {
        var data = group.ReadRawColumnDataBaseAsync(field, CancellationToken.None).AsTask().GetAwaiter().GetResult();
        var definitions = field.MaxDefinitionLevel > 0 ? data.DefinitionLevels : default;
        var repetitions = field.MaxRepetitionLevel > 0 ? data.RepetitionLevels : default;
        var valueOf = new int[group.RowCount];
        var (row, value) = (-1, 0);
        for (var i = 0; i < (definitions.IsEmpty ? valueOf.Length : definitions.Length); i++)
        {
            var isThere = definitions.IsEmpty || definitions[i] == field.MaxDefinitionLevel;
            if (repetitions.IsEmpty || repetitions[i] == 0)
            {
                if (++row == valueOf.Length)
                {
                    break;
                }

                valueOf[row] = isThere ? value : -1;
            }

            value += isThere ? 1 : 0;
        }

        return row == valueOf.Length - 1 ? new ParquetColumn(data, valueOf)
            : throw new InvalidDataException($"column '{field.Path}' has {row + 1} rows in a group of {valueOf.Length}");
    }

    /// <summary>A picture's bytes; null: none.</summary>
    public byte[]? Bytes(int row) => valueOf[row] < 0 ? null : Values<ReadOnlyMemory<byte>>()[valueOf[row]].ToArray();

    /// <summary>Text; null: none.</summary>
    public string? Text(int row) => valueOf[row] < 0 ? null : Values<ReadOnlyMemory<char>>()[valueOf[row]].ToString();

    /// <summary>Text, or a whole number in decimal digits; null: none.</summary>
    public string? TextOrDigits(int row) => data switch
    {
        _ when valueOf[row] < 0 => null,
        RawColumnData<ReadOnlyMemory<char>> => Text(row),
        RawColumnData<ulong> raw => raw.Values[valueOf[row]].ToString(CultureInfo.InvariantCulture),
        _ => Label(row).Number?.ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>A label.</summary>
    public Label Label(int row)
    {
        var i = valueOf[row];
        return i < 0 ? Ddm.Data.Label.None : data switch
        {
            RawColumnData<ReadOnlyMemory<char>> => new Label(null, Text(row)),
            RawColumnData<long> raw => new Label(raw.Values[i], null),
            RawColumnData<int> raw => new Label(raw.Values[i], null),
            RawColumnData<short> raw => new Label(raw.Values[i], null),
            RawColumnData<sbyte> raw => new Label(raw.Values[i], null),
            RawColumnData<byte> raw => new Label(raw.Values[i], null),
            RawColumnData<ushort> raw => new Label(raw.Values[i], null),
            RawColumnData<uint> raw => new Label(raw.Values[i], null),
            RawColumnData<ulong> raw => new Label((long)Math.Min(raw.Values[i], long.MaxValue), null),
            _ => throw new InvalidDataException($"labels of type {data.GetType()}"),
        };
    }

    private Span<T> Values<T>()
        where T : struct => ((RawColumnData<T>)data).Values;
}
