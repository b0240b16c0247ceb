using System.Globalization;
using System.Text.RegularExpressions;

namespace Ddm.Encoders;

/// <summary>What every expert takes of a seed checkpoint, and what it does not. Tensors of one kind in several blocks are one entry: <c>blocks.*.attn.qkv.bias (12)</c>.</summary>
public sealed partial record SeedFit
{
    /// <summary>The seed, as the spec names it.</summary>
    public required string File { get; init; }

    /// <summary>Hash of its safetensors file.</summary>
    public required string Sha256 { get; init; }

    /// <summary>Tensors of an expert's network.</summary>
    public required int Tensors { get; init; }

    /// <summary>Tensors among them that are the seed's.</summary>
    public required int Taken { get; init; }

    /// <summary>Numbers in an expert's tensors.</summary>
    public required long Parameters { get; init; }

    /// <summary>Numbers among them that are the seed's.</summary>
    public required long TakenParameters { get; init; }

    /// <summary>Tensors of an expert that begin as they would without a seed.</summary>
    public required IReadOnlyList<string> Reinitialized { get; init; }

    /// <summary>Why parts of the seed are passed over whose names and shapes may agree.</summary>
    public required IReadOnlyList<string> Reasons { get; init; }

    /// <summary>Tensors of the seed that no expert takes.</summary>
    public required IReadOnlyList<string> Unused { get; init; }

    /// <summary>One paragraph for people.</summary>
    public string Describe() => string.Create(
        CultureInfo.InvariantCulture,
        $"Every expert starts from {File} (SHA-256 {Sha256[..12]}): {Taken} of its {Tensors} tensors, {100.0 * TakenParameters / Parameters:F1} % of the parameters, are the seed's.")
        + (Reinitialized.Count == 0 ? "" : $" Re-initialised: {string.Join(", ", Reinitialized)}.")
        + string.Concat(Reasons.Select(reason => $" {reason}."))
        + (Unused.Count == 0 ? "" : $" Of the seed unused: {string.Join(", ", Unused)}.");

    /// <summary>Names of tensors, those of one kind in several blocks as one entry, in the order of their names.</summary>
    internal static IReadOnlyList<string> Grouped(IEnumerable<string> names) =>
    [
        .. names.GroupBy(name => Block().Replace(name, "$1.*."), StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => group.Count() == 1 ? group.First() : string.Create(CultureInfo.InvariantCulture, $"{group.Key} ({group.Count()})")),
    ];

    [GeneratedRegex(@"^(blocks|text_embedder\.layers)\.[0-9]+\.")]
    private static partial Regex Block();
}
