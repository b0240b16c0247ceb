using System.Globalization;
using Ddm.Runs;

namespace Ddm.Data;

/// <summary>
/// The labels of a source's rows while they are read: numbers or class names, one kind in a data set, four bytes a row. Names become numbers
/// in the order of their code points when all are known.
/// </summary>
internal sealed class LabelColumn
{
    /// <summary>Labels are below this: a larger number is an id, not a class.</summary>
    public const int MostClasses = 100_000;

    private const int None = -1, LongestName = 128;

    private readonly List<int> labels = [];
    private readonly Dictionary<string, int> names = new(StringComparer.Ordinal);
    private bool hasNumbers;
    private int largest = None;

    /// <summary>Appends a row's label.</summary>
    /// <returns>What is wrong with it, and then the row has none; null: nothing.</returns>
    public string? Add(Label label)
    {
        var problem = label switch
        {
            { Name: { } name } => AddName(name),
            { Number: { } number } => AddNumber(number),
            _ => Append(None),
        };
        if (problem is not null)
        {
            Append(None);
        }

        return problem;
    }

    /// <summary>Names the classes once every row is in.</summary>
    /// <param name="given">data.class_names; empty: not given.</param>
    /// <param name="fromFile">Names the source itself gives to the numbers; empty: none.</param>
    /// <param name="place">The source, for messages.</param>
    /// <returns>The classes' names, and each row's label; null where no row has one.</returns>
    /// <exception cref="UserErrorException">The names do not cover the labels.</exception>
    public (IReadOnlyList<string> Names, int[]? Labels) Finish(IReadOnlyList<string> given, IReadOnlyList<string> fromFile, string place)
    {
        if (names.Count > 0)
        {
            return FinishNames(given, place);
        }

        if (largest == None && fromFile.Count == 0)
        {
            return given.Count == 0
                ? ([], null)
                : throw new UserErrorException($"data.class_names is given, but no picture of '{place}' has a label. Add labels, or leave the names out.");
        }

        var known = given.Count > 0 ? given : fromFile;
        if (known.Count > 0 && known.Count <= largest)
        {
            var source = given.Count > 0 ? "data.class_names" : "the list of names in it";
            throw new UserErrorException(string.Create(CultureInfo.InvariantCulture,
                $"'{place}' uses labels up to {largest}, but {source} has {known.Count} names. Name every class, in the order of the labels."));
        }

        return (known.Count > 0 ? [.. known] : [.. Enumerable.Range(0, largest + 1).Select(i => i.ToString(CultureInfo.InvariantCulture))], [.. labels]);
    }

    private (IReadOnlyList<string> Names, int[]? Labels) FinishNames(IReadOnlyList<string> given, string place)
    {
        var unknown = given.Count == 0 ? [] : names.Keys.Except(given, StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        if (unknown.Count > 0)
        {
            throw new UserErrorException($"'{place}' has labels that data.class_names does not list: " +
                $"{string.Join(", ", unknown.Take(20).Select(name => Printable.Text(name)))}. Add them to the list or change the labels.");
        }

        string[] ordered = given.Count > 0 ? [.. given] : [.. names.Keys.Order(StringComparer.Ordinal)];
        var final = new int[names.Count];
        for (var i = 0; i < ordered.Length; i++)
        {
            if (names.TryGetValue(ordered[i], out var found))
            {
                final[found] = i;
            }
        }

        return (ordered, [.. labels.Select(label => label < 0 ? None : final[label])]);
    }

    private string? AddNumber(long number)
    {
        if (number == None)
        {
            return Append(None); // what Hugging Face writes where a label is not known
        }

        if (names.Count > 0)
        {
            return string.Create(CultureInfo.InvariantCulture, $"label {number} is a number where earlier labels are class names");
        }

        if (number is < 0 or >= MostClasses)
        {
            return string.Create(CultureInfo.InvariantCulture, $"label {number} is not between 0 and {MostClasses - 1} (-1: none)");
        }

        hasNumbers = true;
        largest = Math.Max(largest, (int)number);
        return Append((int)number);
    }

    private string? AddName(string name)
    {
        if (hasNumbers)
        {
            return $"label '{Printable.Text(name)}' is a class name where earlier labels are numbers";
        }

        if (name.Length is 0 or > LongestName)
        {
            return string.Create(CultureInfo.InvariantCulture, $"label '{Printable.Text(name)}' has {name.Length} characters; a class name has 1 to {LongestName}");
        }

        if (!names.TryGetValue(name, out var number))
        {
            if (names.Count == MostClasses)
            {
                return string.Create(CultureInfo.InvariantCulture, $"label '{Printable.Text(name)}' is one class more than {MostClasses}");
            }

            names.Add(name, number = names.Count);
        }

        return Append(number);
    }

    private string? Append(int label)
    {
        labels.Add(label);
        return null;
    }
}

/// <summary>A label as a data set writes it: a number, a class name, or nothing.</summary>
internal readonly record struct Label(long? Number, string? Name)
{
    /// <summary>No label.</summary>
    public static Label None => default;

    /// <summary>A label given as text alone (<c>.cls</c>, CSV): digits are a number.</summary>
    public static Label Parse(string text) => text.Length == 0 ? None
        : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? new Label(number, null)
        : new Label(null, text);
}
