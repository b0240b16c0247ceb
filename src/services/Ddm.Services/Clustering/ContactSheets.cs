using Ddm.Data;
using Ddm.Evaluation;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services;

/// <summary>Sheets of some of a cluster's images, for people: what an expert is made to draw.</summary>
public sealed class ContactSheets(IBlobStore blobs)
{
    private const int Rows = 80;
    private const int Columns = 16;

    /// <summary>Draws and keeps the sheet of a frozen cluster. Its rows lie in shuffled order, so that the first of them are a fair sample.</summary>
    /// <param name="run">The run.</param>
    /// <param name="cluster">The cluster.</param>
    /// <param name="decode">Latents to pixels; null: rows are pixels.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>The PNG; null for a cluster without rows.</returns>
    public async Task<byte[]?> DrawAsync(string run, int cluster, Func<EvaluationRows, Task<EvaluationRows>>? decode, CancellationToken cancellationToken)
    {
        var data = await ClusterDataset.OpenAsync(blobs, run, [cluster], heldOut: false, cancellationToken);
        if (data.Rows == 0)
        {
            return null;
        }

        var rows = await EvaluationRows.LoadFirstAsync(data, Rows, cancellationToken);
        rows = decode is null ? rows : await decode(rows);
        var sheet = ImageGrid.Png([.. rows.Pixels.Chunk(rows.Pixels.Length / rows.Count)], rows.Channels, rows.Size, Columns, scale: 1);
        await blobs.TryWriteAsync(BlobNames.ClusterContactSheet(run, cluster), sheet, WriteCondition.Any, cancellationToken);
        return sheet;
    }
}
