namespace Ddm.Runs;

/// <summary>A place in a spec file, 1-based.</summary>
internal readonly record struct Place(int Line, int Column);

/// <summary>A node of a spec file that knows its place.</summary>
internal abstract record SpecNode(Place Place)
{
    /// <summary>What the node is, for error messages.</summary>
    public abstract string Description { get; }
}

/// <summary>A scalar; <paramref name="Plain"/> when it stands without quotes.</summary>
internal sealed record SpecScalar(Place Place, string Text, bool Plain) : SpecNode(Place)
{
    public bool IsNull => Plain && Text is "" or "~" or "null" or "Null" or "NULL";

    public override string Description => IsNull ? "nothing" : Plain ? $"'{Printable.Text(Text)}'" : $"the quoted text '{Printable.Text(Text)}'";
}

/// <summary>A sequence.</summary>
internal sealed record SpecList(Place Place, IReadOnlyList<SpecNode> Items) : SpecNode(Place)
{
    public override string Description => "a list";
}

/// <summary>A mapping, its keys in the order of the file.</summary>
internal sealed record SpecMapping(Place Place, IReadOnlyList<SpecEntry> Entries) : SpecNode(Place)
{
    public override string Description => "a mapping";
}

/// <summary>What is left of a node that was refused and reported: readers pass over it in silence.</summary>
internal sealed record SpecNothing(Place Place) : SpecNode(Place)
{
    public override string Description => "nothing";
}

/// <summary>A key and its value.</summary>
internal sealed record SpecEntry(string Key, Place Place, SpecNode Value);
