namespace Ddm.Runs;

/// <summary>Shape of what networks see of an image: [C, H, H].</summary>
/// <param name="Channels">C.</param>
/// <param name="Size">H.</param>
public readonly record struct InputShape(int Channels, int Size);
