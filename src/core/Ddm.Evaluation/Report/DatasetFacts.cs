namespace Ddm.Evaluation;

/// <summary>The data set of a report.</summary>
/// <param name="Id">Content id of the data set.</param>
/// <param name="TrainingRows">Images trained on.</param>
/// <param name="HeldOutRows">Images held out by content hash.</param>
/// <param name="QuarantinedRows">Images that could not be read.</param>
/// <param name="ImageSize">Side of the square, pixels.</param>
/// <param name="Channels">1 or 3.</param>
/// <param name="ClassNames">Names of the classes in the order of their labels; empty without labels.</param>
public sealed record DatasetFacts(
    string Id,
    long TrainingRows,
    long HeldOutRows,
    long QuarantinedRows,
    int ImageSize,
    int Channels,
    IReadOnlyList<string> ClassNames);
