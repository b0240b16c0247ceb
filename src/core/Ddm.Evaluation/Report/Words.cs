namespace Ddm.Evaluation;

/// <summary>Small grammar.</summary>
internal static class Words
{
    /// <summary>1 expert, 4 experts.</summary>
    public static string Plural(long count, string noun) => $"{Figures.Count(count)} {noun}{(count == 1 ? string.Empty : "s")}";

    /// <summary>The role as a reader would name it: experts/2 is expert 2.</summary>
    public static string Role(string path) => path.StartsWith("experts/", StringComparison.Ordinal) ? "expert " + path["experts/".Length..] : path;
}
