using Ddm.Runs;

namespace Ddm.Services;

/// <summary>Where handlers tell what they are at: the command line's live table, later the dashboard. Calls come from any thread and return at once.</summary>
public interface IRunProgress
{
    /// <summary>A stage begins or goes on.</summary>
    /// <param name="stage">Which.</param>
    /// <param name="done">Pieces finished.</param>
    /// <param name="total">Pieces in all.</param>
    void Stage(RunStage stage, int done, int total);

    /// <summary>Some more of the source's images have been looked at.</summary>
    /// <param name="done">Images so far, those of earlier attempts among them.</param>
    /// <param name="total">Images of the source.</param>
    void Ingest(long done, long total)
    {
    }

    /// <summary>Some more of the data set's images have been encoded.</summary>
    void Encoding(EncodingProgress progress)
    {
    }

    /// <summary>A run was looked at.</summary>
    /// <param name="document">Its decisions.</param>
    /// <param name="seen">What its blobs say of its stage.</param>
    void Observed(RunDocument document, RunObservation seen)
    {
    }

    /// <summary>A role has trained some more steps.</summary>
    void Training(TrainingProgress progress);

    /// <summary>Something a person should know: a fallback, a quarantined image, a missing expert.</summary>
    void Notice(string message);

    /// <summary>The run has come to its end, good or bad.</summary>
    void Ended(RunDocument document);
}
