using static TorchSharp.torch;

namespace Ddm.Encoders;

/// <summary>A tensor of a published file, and which of our weights lie in its rows.</summary>
/// <param name="Name">Its published name.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Parts">Our names and how many of its rows each has, in the order of the rows.</param>
public sealed record PublishedTensor(string Name, long[] Shape, IReadOnlyList<(string Own, long Rows)> Parts)
{
    /// <summary>Our weights as views of the published tensor.</summary>
    public IEnumerable<(string Own, Tensor Tensor)> Split(Tensor published)
    {
        var first = 0L;
        foreach (var (own, rows) in Parts)
        {
            yield return (own, Parts.Count == 1 ? published : published.narrow(0, first, rows));
            first += rows;
        }
    }

    /// <summary>The published tensor of our weights: the weight itself, or a new tensor of several.</summary>
    public Tensor Join(Func<string, Tensor> own) => Parts.Count == 1 ? own(Parts[0].Own) : cat([.. Parts.Select(part => own(part.Own))], dim: 0);
}
