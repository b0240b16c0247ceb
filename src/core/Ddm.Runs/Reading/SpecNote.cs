using System.Globalization;

namespace Ddm.Runs;

/// <summary>Something to say about a place of a spec: a mistake or a warning.</summary>
/// <param name="Line">1-based.</param>
/// <param name="Column">1-based.</param>
/// <param name="Path">The key: <c>experts.steps</c>; empty: the file itself.</param>
/// <param name="Text">What is wrong or doubtful, and the remedy.</param>
public sealed record SpecNote(int Line, int Column, string Path, string Text)
{
    /// <summary>One line: <c>file:LINE:COLUMN: key: text</c>.</summary>
    public string In(string fileName) => string.Create(
        CultureInfo.InvariantCulture, $"{fileName}:{Line}:{Column}: {(Path.Length == 0 ? "" : Path + ": ")}{Text}");

    /// <summary>Notes as lines, the first <paramref name="most"/> and a count of the rest.</summary>
    public static string Lines(IReadOnlyList<SpecNote> notes, string fileName, int most = 20)
    {
        var lines = notes.Take(most).Select(note => note.In(fileName));
        return string.Join('\n', notes.Count > most ? lines.Append($"{fileName}: and {notes.Count - most} more") : lines);
    }
}
