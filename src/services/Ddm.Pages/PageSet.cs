using Ddm.Services;

namespace Ddm.Pages;

/// <summary>The pages of one host.</summary>
public sealed record PageSet
{
    private PageSet(string home, string scope, params string[] pages) => (Home, Scope, Pages) = (home, scope, [.. pages, "sign-in"]);

    /// <summary>Runs and one run: the control plane's.</summary>
    public static PageSet Runs { get; } = new("runs", ApiKey.Runs, "runs", "run");

    /// <summary>Drawing, and what draws: the inference gateway's.</summary>
    public static PageSet Playground { get; } = new("playground", ApiKey.Images, "playground", "model");

    /// <summary>Where the bare address leads.</summary>
    internal string Home { get; }

    /// <summary>What a key must open.</summary>
    internal string Scope { get; }

    /// <summary>By name.</summary>
    internal IReadOnlyList<string> Pages { get; }
}
