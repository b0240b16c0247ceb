using System.Globalization;
using Ddm.Runs;
using Ddm.Services;

namespace Ddm.Serving;

/// <summary>Experts as settings name them: by index, or as a share of however many there are.</summary>
internal sealed class ExpertList
{
    private readonly string setting;
    private readonly int[]? indices;
    private readonly (int Part, int Parts) share;

    private ExpertList(string setting, int[]? indices, (int Part, int Parts) share) => (this.setting, this.indices, this.share) = (setting, indices, share);

    /// <summary>Every expert.</summary>
    public static ExpertList All { get; } = new(ExpertHostSettings.Section + ":Experts", null, (1, 1));

    /// <summary>One index.</summary>
    /// <exception cref="UserErrorException">It is none.</exception>
    public static int Index(string setting, string text) => int.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index
        : throw new UserErrorException($"{setting}: '{Printable.Text(text)}' is no expert. Experts are counted from 0: 0,1,2.");

    /// <summary>Which experts are meant.</summary>
    /// <param name="setting">Where the text stands.</param>
    /// <param name="text"><c>0,3,5</c>; <c>1/4</c>: the first of four hosts' shares, every fourth expert from 0 on; empty: all.</param>
    /// <exception cref="UserErrorException">It says neither.</exception>
    public static ExpertList Read(string setting, string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return All;
        }

        if (text.Split('/') is [var which, var of])
        {
            var (part, parts) = (Index(setting, which), Index(setting, of));
            return part >= 1 && part <= parts ? new ExpertList(setting, null, (part, parts))
                : throw new UserErrorException($"{setting}: '{Printable.Text(text)}' is no share. 1/4 to 4/4 are the shares of four hosts.");
        }

        return new ExpertList(setting, [.. text.Split(',').Select(one => Index(setting, one))], default);
    }

    /// <summary>Whether an expert is among them.</summary>
    public bool Names(int expert) => indices?.Contains(expert) ?? expert % share.Parts == share.Part - 1;

    /// <summary>Holds the list against a model.</summary>
    /// <exception cref="UserErrorException">It names an expert that the model does not have, or none that it has.</exception>
    public void Require(ModelManifest manifest)
    {
        var (count, model) = (manifest.Experts.Count, $"{manifest.Name}/{manifest.Version}");
        foreach (var index in indices ?? [])
        {
            if (index >= count)
            {
                throw new UserErrorException(FormattableString.Invariant($"{setting}: there is no expert {index} in {model}. It has {count}, counted from 0."));
            }
        }

        if (!manifest.Experts.Where((expert, k) => expert.Weights is not null && Names(k)).Any())
        {
            throw new UserErrorException(FormattableString.Invariant($"{setting} names none of the {count} experts of {model} that have weights."));
        }
    }
}
