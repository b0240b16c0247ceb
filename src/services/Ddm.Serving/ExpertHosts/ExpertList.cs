using System.Globalization;
using Ddm.Runs;

namespace Ddm.Serving;

/// <summary>Experts as settings name them: by index, or as a share of however many there are.</summary>
internal static class ExpertList
{
    /// <summary>One index.</summary>
    /// <exception cref="UserErrorException">It is none.</exception>
    public static int Index(string setting, string text) => int.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index
        : throw new UserErrorException($"{setting}: '{Printable.Text(text)}' is no expert. Experts are counted from 0: 0,1,2.");

    /// <summary>Which experts are meant.</summary>
    /// <param name="setting">Where the text stands.</param>
    /// <param name="text"><c>0,3,5</c>; <c>1/4</c>: the first of four hosts' shares, every fourth expert from 0 on; empty: all.</param>
    /// <exception cref="UserErrorException">It says neither.</exception>
    public static Func<int, bool> Read(string setting, string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return _ => true;
        }

        if (text.Split('/') is [var which, var of])
        {
            var (part, parts) = (Index(setting, which), Index(setting, of));
            return part >= 1 && part <= parts ? k => k % parts == part - 1
                : throw new UserErrorException($"{setting}: '{Printable.Text(text)}' is no share. 1/4 to 4/4 are the shares of four hosts.");
        }

        HashSet<int> wanted = [.. text.Split(',').Select(one => Index(setting, one))];
        return wanted.Contains;
    }
}
