namespace Ddm.Diffusion;

/// <summary>
/// A stage of the steps of some pictures: their experts have been asked. <see cref="Sampler.Take"/> ends it for those whose answers are there, while others may still wait for theirs.
/// Belongs to the thread that steps the pictures; only <see cref="Arrival"/> is for any.
/// </summary>
public sealed class StepUnderWay : IDisposable
{
    private readonly ExpertAnswers answers;
    private readonly Dictionary<Picture, long[]> rows = [];

    /// <summary>What the experts were asked.</summary>
    /// <param name="pictures">A row each, in this order.</param>
    /// <param name="guided">Those with a second row, which follow in this order.</param>
    /// <param name="answers">What they say.</param>
    internal StepUnderWay(IReadOnlyList<Picture> pictures, IReadOnlyList<Picture> guided, ExpertAnswers answers)
    {
        this.answers = answers;
        for (var i = 0; i < pictures.Count; i++)
        {
            rows[pictures[i]] = [i];
        }

        for (var i = 0; i < guided.Count; i++)
        {
            rows[guided[i]] = [.. rows[guided[i]], pictures.Count + i];
        }
    }

    /// <summary>Ends when every answer that these pictures need has come or failed; never faults.</summary>
    public Task Arrival(IEnumerable<Picture> pictures) => Task.WhenAll(answers.Outstanding(RowsOf(pictures)));

    /// <inheritdoc/>
    public void Dispose() => answers.Dispose();

    /// <summary>Takes what has come; the pictures whose experts could not answer.</summary>
    internal IReadOnlyList<Picture> Settle(IReadOnlyList<Picture> pictures)
    {
        var lost = answers.Settle(RowsOf(pictures));
        return [.. pictures.Where(picture => rows[picture].Any(lost.ContainsKey))];
    }

    /// <summary>The velocities of pictures that have settled, then the second rows of those that are guided: [pictures + guided, ...].</summary>
    internal TorchSharp.torch.Tensor Mix(IReadOnlyList<Picture> pictures)
        => answers.Mix([.. pictures.Select(picture => rows[picture][0]), .. pictures.Where(picture => rows[picture].Length > 1).Select(picture => rows[picture][1])]);

    /// <summary>The experts elsewhere that answered for a picture that has settled, and who it was.</summary>
    internal IEnumerable<(int Expert, string By)> AnsweredBy(Picture picture) => rows[picture].SelectMany(answers.AnsweredBy);

    private HashSet<long> RowsOf(IEnumerable<Picture> pictures) => [.. pictures.SelectMany(picture => rows[picture])];
}
