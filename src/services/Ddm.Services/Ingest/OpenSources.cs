using Ddm.Data;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>
/// Keeps the source of the data set that is being ingested open: to list it again for every shard, a pass over all headers, would cost more than
/// the shard. One at a time; let go of when its data set is sealed.
/// </summary>
public sealed class OpenSources
{
    private readonly Lock gate = new();
    private (string DatasetId, IImageSource Source)? open;

    /// <summary>Lists a new run's source.</summary>
    /// <exception cref="UserErrorException">It cannot be read.</exception>
    public (string DatasetId, IImageSource Source) Open(DataSpec spec, string root)
    {
        lock (gate)
        {
            open = null; // so that not both are held
            var source = ImageSources.Open(spec, root);
            open = (DatasetId.For(spec, source), source);
            return open.Value;
        }
    }

    /// <summary>The source of a run, listed again where it is not open.</summary>
    /// <exception cref="UserErrorException">It cannot be read, or is no longer what the run was made from.</exception>
    public IImageSource Get(RunDocument document)
    {
        lock (gate)
        {
            var (id, source) = open is { } held && held.DatasetId == document.DatasetId ? held : Open(document.Spec.Data, document.SourceRoot);
            return id == document.DatasetId
                ? source
                : throw new UserErrorException($"data.source '{document.Spec.Data.Source}' has changed since run '{document.Name}' was made from it: " +
                    $"its data set would be {id}, the run's is {document.DatasetId}. Bring the old files back, or start a run under another name.");
        }
    }

    /// <summary>Lets go of a source that nobody needs any more.</summary>
    public void Close(string datasetId)
    {
        lock (gate)
        {
            open = open?.DatasetId == datasetId ? null : open;
        }
    }
}
