using System.Text.RegularExpressions;

namespace Ddm.Runs;

/// <summary>
/// The one allowlist of ids that people choose: runs and models. What passes is a folder name on every system, a URL segment and a DNS label.
/// </summary>
public static partial class RunName
{
    /// <summary>What a name may look like, for error messages.</summary>
    public const string Rule = "1 to 63 characters of a-z, 0-9 and '-', the first a letter or digit";

    private static readonly HashSet<string> WindowsDevices =
    [
        "con", "prn", "aux", "nul", .. Enumerable.Range(0, 10).SelectMany(n => new[] { FormattableString.Invariant($"com{n}"), FormattableString.Invariant($"lpt{n}") }),
    ];

    /// <summary>Whether a text may name a run or model.</summary>
    public static bool IsValid(string name) => Pattern().IsMatch(name) && !WindowsDevices.Contains(name);

    /// <summary>The name itself.</summary>
    /// <exception cref="UserErrorException">The text may not name a run or model.</exception>
    public static string Require(string name) => IsValid(name)
        ? name
        : throw new UserErrorException($"'{Printable.Text(name)}' cannot name a run or model: expected {Rule}, and no device name of Windows.");

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9-]{0,62}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
