namespace Ddm.Data;

/// <summary>A decoded picture.</summary>
/// <param name="Width">Columns.</param>
/// <param name="Height">Rows.</param>
/// <param name="Channels">1 (grey) or 3 (sRGB).</param>
/// <param name="Pixels">[Height, Width, Channels] uint8, row by row, channels together.</param>
public sealed record PixelImage(int Width, int Height, int Channels, byte[] Pixels);
