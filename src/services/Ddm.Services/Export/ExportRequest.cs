namespace Ddm.Services;

/// <summary>What to export, and where to.</summary>
/// <param name="Model">A published model, or a run as it stands.</param>
/// <param name="Format">How it shall lie there.</param>
/// <param name="Folder">The folder to make.</param>
public sealed record ExportRequest(string Model, ExportFormat Format, string Folder)
{
    /// <summary>Whether pictures are drawn for the model card where the run has none.</summary>
    public bool DrawSamples { get; init; } = true;
}
