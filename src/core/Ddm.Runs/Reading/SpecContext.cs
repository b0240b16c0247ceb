namespace Ddm.Runs;

/// <summary>One reading of one file: where every path stands and what is wrong, all of it, since users mend files in one go.</summary>
internal sealed class SpecContext(string fileName)
{
    private readonly Dictionary<string, Place> _places = [];
    private readonly List<(Place Place, string Path, string Problem)> _errors = [];

    /// <summary>What file it is.</summary>
    public string FileName => fileName;

    /// <summary>Everything refused so far, in the order of the file.</summary>
    public IReadOnlyList<SpecNote> Mistakes => [.. _errors
        .OrderBy(error => error.Place.Line).ThenBy(error => error.Place.Column)
        .Select(error => new SpecNote(error.Place.Line, error.Place.Column, error.Path, error.Problem))];

    /// <summary>Something to say about a path, at its place or at that of the nearest section around it.</summary>
    public SpecNote About(string path, string text)
    {
        var place = PlaceOf(path);
        return new SpecNote(place.Line, place.Column, path, text);
    }

    /// <summary>Remembers where a path's value stands.</summary>
    public void Note(string path, Place place) => _places.TryAdd(path, place);

    /// <summary>Notes what is wrong at a place.</summary>
    public void Refuse(Place place, string path, string problem) => _errors.Add((place, path, problem));

    /// <summary>Notes what is wrong with a path, at its own place or at that of the nearest section around it.</summary>
    public void Refuse(string path, string problem) => Refuse(PlaceOf(path), path, problem);

    /// <summary>Whether nothing is wrong with the paths, nor with anything in or around them: only then can they be checked against each other.</summary>
    public bool Sound(params ReadOnlySpan<string> paths)
    {
        foreach (var path in paths)
        {
            if (_errors.Exists(error => Holds(error.Path, path) || Holds(path, error.Path)))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Throws if anything was refused.</summary>
    /// <exception cref="UserErrorException">Something was refused.</exception>
    public void ThrowIfRefused()
    {
        if (_errors.Count > 0)
        {
            throw Failure();
        }
    }

    /// <summary>Everything refused so far and one thing more, after which reading cannot go on.</summary>
    public UserErrorException Fatal(Place place, string problem)
    {
        Refuse(place, "", problem);
        return Failure();
    }

    /// <summary>The path of a key inside a section; the root's path is empty.</summary>
    public static string Join(string section, string key) => section.Length == 0 ? key : $"{section}.{key}";

    private UserErrorException Failure() => new(SpecNote.Lines(Mistakes, fileName));

    private Place PlaceOf(string path)
    {
        while (path.Length > 0 && !_places.ContainsKey(path))
        {
            path = Parent(path);
        }

        return _places.GetValueOrDefault(path, new Place(1, 1));
    }

    private static string Parent(string path) => path.LastIndexOf('.') is var dot and >= 0 ? path[..dot] : "";

    private static bool Holds(string section, string path) =>
        section.Length == 0 || section == path || (path.StartsWith(section, StringComparison.Ordinal) && path[section.Length] == '.');
}
