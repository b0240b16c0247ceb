namespace Ddm.Runs;

/// <summary>Reads, compares and normalises run specs.</summary>
public static class RunSpecReader
{
    /// <summary>Reads a spec. Everything wrong with it is told at once, a line each: <c>file:LINE:COLUMN: key: problem</c>, the first 20.</summary>
    /// <param name="yaml">The text: YAML 1.2 without tags, anchors and aliases, or the JSON of <see cref="Canonical"/>; at most 24 KB.</param>
    /// <param name="fileName">What to call it in messages.</param>
    /// <exception cref="UserErrorException">The spec has mistakes.</exception>
    public static RunSpec Read(string yaml, string fileName)
    {
        var context = new SpecContext(fileName);
        var spec = ReadWhole(yaml, context);
        context.ThrowIfRefused();
        return spec;
    }

    /// <summary>Reads a spec and tells everything wrong or doubtful about it, each with its place: never throws for what the text says.</summary>
    /// <param name="yaml">As for <see cref="Read(string, string)"/>.</param>
    /// <param name="fileName">What to call it in messages.</param>
    public static SpecReading Check(string yaml, string fileName)
    {
        var context = new SpecContext(fileName);
        try
        {
            var spec = ReadWhole(yaml, context);
            return context.Mistakes.Count > 0 ? new SpecReading(null, context) : new SpecReading(spec, context) { Warnings = [.. SpecWarnings.Of(spec, context)] };
        }
        catch (UserErrorException) when (context.Mistakes.Count > 0)
        {
            return new SpecReading(null, context); // reading could not go on
        }
    }

    private static RunSpec ReadWhole(string yaml, SpecContext context)
    {
        var root = YamlTree.Parse(yaml, context);
        if (root is SpecMapping { Entries: [{ Key: not "name" } first, ..] })
        {
            context.Refuse(first.Place, "name", $"must be the first key, so that a spec says at once which run it is; '{Printable.Text(first.Key)}' is");
        }

        var spec = SpecTables.Run.Read(root, "", context);
        SpecChecks.Check(spec, context);
        return spec;
    }

    /// <summary>
    /// What a spec means as one line of JSON, the same for every way of writing it: all keys in a fixed order, defaults filled in, presets as
    /// numbers, numbers invariant. <see cref="Read"/> reads it back. For hashing and comparing.
    /// </summary>
    public static string Canonical(RunSpec spec) => SpecCanon.Write(spec);

    /// <summary>What differs between two specs, a line a key: <c>experts.steps: 600 -> 800</c>; empty when they mean the same.</summary>
    /// <param name="submitted">The spec of the run that exists.</param>
    /// <param name="asked">The spec asked for now.</param>
    public static IReadOnlyList<string> Differences(RunSpec submitted, RunSpec asked)
    {
        const string None = "(none)";
        var before = SpecCanon.Values(submitted).ToDictionary();
        var after = SpecCanon.Values(asked).ToDictionary();
        return [.. SpecTables.Run.Paths("")
            .Select(path => (Path: path, Before: before.GetValueOrDefault(path, None), After: after.GetValueOrDefault(path, None)))
            .Where(pair => pair.Before != pair.After)
            .Select(pair => $"{pair.Path}: {pair.Before} -> {pair.After}")];
    }
}
