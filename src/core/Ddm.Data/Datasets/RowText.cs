using Ddm.Runs;

namespace Ddm.Data;

/// <summary>How a row's caption is kept for networks: tokens [L] int32, or vectors [L, W] float16.</summary>
/// <param name="Shape">What networks see of it.</param>
public readonly record struct RowText(TextShape Shape)
{
    /// <summary>Bytes of one row.</summary>
    public int RowBytes => checked(Shape.Tokens * (Shape.Learned ? sizeof(int) : 2 * Shape.Width));

    /// <summary>Type of the tensor in a shard's file.</summary>
    public string Type => Shape.Learned ? "I32" : "F16";

    /// <summary>That tensor's shape, of so many rows.</summary>
    public long[] Rows(long rows) => [rows, .. One];

    /// <summary>Shape of one row.</summary>
    public long[] One => Shape.Learned ? [Shape.Tokens] : [Shape.Tokens, Shape.Width];
}
