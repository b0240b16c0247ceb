using System.Text.RegularExpressions;

namespace Ddm.Runs;

/// <summary>
/// The one allowlist of ids that people choose: runs and models. What passes is a folder name on every system, a URL segment and a DNS label.
/// </summary>
public static partial class RunName
{
    /// <summary>What a name may look like, for error messages.</summary>
    public const string Rule = "1 to 63 characters of a-z, 0-9 and '-', the first a letter or digit";

    /// <summary>The same as a regular expression for JSON schema, device names and reserved words apart.</summary>
    internal const string JsonPattern = "^[a-z0-9][a-z0-9-]{0,62}$";

    // A model's version may stand where a name stands: these words would be taken for one.
    private static readonly HashSet<string> Reserved = ["latest", "current"];

    private static readonly HashSet<string> WindowsDevices =
    [
        "con", "prn", "aux", "nul", .. Enumerable.Range(0, 10).SelectMany(n => new[] { FormattableString.Invariant($"com{n}"), FormattableString.Invariant($"lpt{n}") }),
    ];

    /// <summary>Whether a text may name a run or model.</summary>
    public static bool IsValid(string name) => Pattern().IsMatch(name) && !WindowsDevices.Contains(name) && !Reserved.Contains(name);

    /// <summary>The name itself.</summary>
    /// <exception cref="UserErrorException">The text may not name a run or model.</exception>
    public static string Require(string name) => IsValid(name)
        ? name
        : throw new UserErrorException($"{Problem(name, "a run or model")}.");

    /// <summary>Why a text that is not valid cannot name <paramref name="what"/>, with the name that was probably meant.</summary>
    internal static string Problem(string name, string what)
    {
        var lower = name.ToLowerInvariant();
        var meant = lower != name && IsValid(lower) ? $"; did you mean '{lower}'?" : "";
        return $"'{Printable.Text(name)}' cannot name {what}; expected {Rule}, no device name of Windows and not {string.Join(" or ", Reserved)}{meant}";
    }

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9-]{0,62}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
