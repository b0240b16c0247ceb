namespace Ddm.Runs;

/// <summary>What networks see of the images' captions.</summary>
public sealed record TextSpec
{
    /// <summary><see cref="Encoder"/>: a token table and a small text encoder, learned by each network for itself.</summary>
    public const string Learned = "learned";

    /// <summary><see cref="Encoder"/>: CLIP's text encoder from published weights, frozen.</summary>
    public const string Clip = "clip";

    /// <summary>Encoder name; null: captions are no condition.</summary>
    public string? Encoder { get; init; }

    /// <summary>The published encoder's file or folder, relative to the spec; null where the encoder is learned.</summary>
    public string? Weights { get; init; }

    /// <summary>Tokens of a caption that are seen; null: 77, CLIP's, or 24 of a learned encoder.</summary>
    public int? Tokens { get; init; }

    /// <summary>Width of a learned encoder.</summary>
    public int Width { get; init; } = 128;

    /// <summary>Most tokens of a learned encoder's vocabulary; the rarer ones are unknown.</summary>
    public int Vocabulary { get; init; } = 8192;

    /// <summary>Places of a row.</summary>
    public int Places => Tokens ?? (Encoder == Clip ? 77 : 24);
}
