namespace Ddm.Runs;

/// <summary>The data set of a run.</summary>
public sealed record DataSpec
{
    /// <summary>
    /// Relative to the spec file: a folder with <c>metadata.jsonl</c>, a folder <c>class/picture.png</c> or of loose pictures, WebDataset <c>.tar</c> or
    /// Hugging Face <c>.parquet</c> files (one, a folder of them, or <c>name-{0000..0009}.tar</c>), a folder with IDX files, or an IDX images file (.gz or not).
    /// </summary>
    public required string Source { get; init; }

    /// <summary>Side of the square the networks see, pixels.</summary>
    public required int ImageSize { get; init; }

    /// <summary>1 (grey) or 3 (RGB).</summary>
    public int Channels { get; init; } = 3;

    /// <summary>Names of the classes in the order of their labels; empty: taken from the folders, or the numbers themselves.</summary>
    public IReadOnlyList<string> ClassNames { get; init; } = [];

    /// <summary>Share of the images held out by the hash of their group or, without one, of their content, never trained on.</summary>
    public double HeldOut { get; init; } = 0.05;

    /// <summary>Share of the images that may be unusable (damaged, or of a kind that is not decoded); above it the ingest fails.</summary>
    public double MaxBad { get; init; } = 0.1;

    /// <summary>Whether training rows are mirrored left to right by chance, half of them; never held-out rows.</summary>
    public bool Flip { get; init; }

    /// <summary>Images in one shard.</summary>
    public int ShardRows { get; init; } = 2048;
}
