using Ddm.Data;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>A run's data set as the stages after ingest see it.</summary>
public sealed class RunDataset(IBlobStore blobs, RunRepository runs)
{
    /// <summary>Opens the frozen data set of a run.</summary>
    public async Task<DatasetReader> OpenAsync(RunDocument document, CancellationToken cancellationToken)
        => await DatasetReader.OpenAsync(blobs, document.DatasetId!, cancellationToken);

    /// <summary>Opens the frozen data set of a run by the run's name.</summary>
    public async Task<(RunDocument Document, DatasetReader Dataset)> OpenAsync(string run, CancellationToken cancellationToken)
    {
        var document = await runs.GetAsync(run, cancellationToken);
        return (document, await OpenAsync(document, cancellationToken));
    }
}
