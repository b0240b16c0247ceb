using System.Globalization;
using Ddm.Runs;

namespace Ddm.Data;

/// <summary>Counts the unusable images of a data set, shard after shard, against the share that the spec allows.</summary>
/// <param name="spec">The share and the source's name.</param>
/// <param name="total">Images of the source, good and bad.</param>
public sealed class QuarantineTally(DataSpec spec, long total)
{
    private const int Shown = 3;

    private readonly List<QuarantinedImage> first = [];
    private readonly HashSet<int> counted = [];

    /// <summary>Images looked at.</summary>
    public long Seen { get; private set; }

    /// <summary>Of these, unusable.</summary>
    public long Bad { get; private set; }

    /// <summary>Whether it is certain already that more images are unusable than the spec allows, whatever the rest is like.</summary>
    public bool IsTooMuch => Bad > spec.MaxBad * total;

    /// <summary>The first unusable images with their reasons.</summary>
    public string Examples => string.Join("; ", first.OrderBy(image => image.Row).Select(image => $"{image.Source}: {image.Reason}"));

    /// <summary>Counts one shard, once.</summary>
    public void Add(DatasetShardInfo info)
    {
        if (!counted.Add(info.Shard.Index))
        {
            return;
        }

        Seen += info.Shard.Rows + info.Quarantined.Count;
        Bad += info.Quarantined.Count;
        first.AddRange(info.Quarantined.Take(Shown - Math.Min(Shown, first.Count)));
    }

    /// <summary>Refuses a data set of which too much is unusable.</summary>
    /// <exception cref="UserErrorException">It is; the message has the counts, the first reasons, where the list lies and the remedy.</exception>
    public void Require(string datasetId)
    {
        if (!IsTooMuch)
        {
            return;
        }

        var looked = Seen < total ? string.Create(CultureInfo.InvariantCulture, $"the first {Seen} of ") : "";
        throw new UserErrorException(string.Create(CultureInfo.InvariantCulture,
            $"{Bad} of {looked}{total} images of '{spec.Source}' cannot be used, and data.max_bad {spec.MaxBad} allows {Math.Floor(spec.MaxBad * total)}. " +
                $"The first: {Examples}. All are listed in {BlobNames.Quarantine(datasetId)} under the home folder. " +
                $"Mend or remove them, or give a larger data.max_bad in a spec of another name."));
    }
}
