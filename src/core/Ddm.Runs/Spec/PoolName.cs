using System.Text.RegularExpressions;

namespace Ddm.Runs;

/// <summary>The names of pools: workers with the same hardware, fed by one queue.</summary>
public static partial class PoolName
{
    /// <summary>The pool of a process by itself, and of experts whose spec names none.</summary>
    public const string Local = "local";

    /// <summary>The pool of routers whose spec names none: a router is small and sees all clusters.</summary>
    public const string Router = "router";

    /// <summary>What a pool's name may be.</summary>
    public const string Rule = "1 to 40 of a-z, 0-9 and '-', starting with a letter or digit";
    internal const string JsonPattern = "^[a-z0-9][a-z0-9-]{0,39}$";

    /// <summary>The pool of a role whose spec names none.</summary>
    public static string Of(Role role) => role.Kind == RoleKind.Router ? Router : Local;

    /// <summary>Whether a text may name a pool.</summary>
    public static bool IsValid(string name) => Pattern().IsMatch(name);

    /// <summary>The name itself.</summary>
    /// <exception cref="UserErrorException">The text may not name a pool.</exception>
    public static string Require(string name) => IsValid(name) ? name : throw new UserErrorException($"{Problem(name)}.");

    internal static string Problem(string name) => $"'{Printable.Text(name)}' cannot name a pool; expected {Rule}";

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9-]{0,39}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
