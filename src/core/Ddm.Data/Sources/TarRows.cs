using System.Runtime.InteropServices;
using System.Text;

namespace Ddm.Data;

/// <summary>
/// Where the pictures of tar files stand: for each a name, a place and the place of its caption, some forty bytes; where there are groups,
/// the place of each. What cannot be used has a reason in its place.
/// </summary>
internal sealed class TarRows
{
    /// <summary>Bytes of a file. The length of a caption in a <c>.json</c> is negative; that of a picture, where a reason stands: -1 - its number.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 4)]
    public readonly record struct Place(long At, int Length);

    private const int MostReasons = 1000;

    private readonly List<Place> pictures = [], captions = [], groups = [];
    private readonly List<string> reasons = [];
    private readonly Dictionary<string, int> numberOf = new(StringComparer.Ordinal);
    private readonly NameList names = new();
    private readonly LabelColumn labels = new();

    /// <summary>Rows.</summary>
    public int Count => pictures.Count;

    /// <summary>Their labels.</summary>
    public LabelColumn Labels => labels;

    /// <summary>Whether any picture has a group.</summary>
    public bool HasGroups => groups.Count > 0;

    /// <summary>Appends a picture; a place of length 0 is none.</summary>
    public void Add(string name, Place picture, Place caption, Place group, Label label)
    {
        if (labels.Add(label) is { } problem)
        {
            picture = Reason(problem);
        }

        if (group.Length != 0)
        {
            groups.AddRange(Enumerable.Repeat(default(Place), Count - groups.Count));
            groups.Add(group);
        }

        Append(name, picture, caption);
    }

    /// <summary>Appends what cannot be used.</summary>
    public void AddBad(string name, string reason)
    {
        labels.Add(Label.None);
        Append(name, Reason(reason), default);
    }

    /// <summary>Lets go of what only growing needs.</summary>
    public void Trim()
    {
        if (captions.TrueForAll(caption => caption.Length == 0))
        {
            captions.Clear();
        }

        pictures.TrimExcess();
        captions.TrimExcess();
        groups.TrimExcess();
    }

    /// <summary>A member's name.</summary>
    public string NameOf(int row) => Encoding.UTF8.GetString(names[row]);

    /// <summary>Where a picture stands.</summary>
    /// <exception cref="BadImageException">It cannot be used.</exception>
    public Place PictureOf(int row) => pictures[row].Length >= 0 ? pictures[row] : throw new BadImageException(reasons[-1 - pictures[row].Length]);

    /// <summary>Where its caption stands; length 0: nowhere.</summary>
    public Place CaptionOf(int row) => captions.Count == 0 ? default : captions[row];

    /// <summary>Where the .json with its group stands; length 0: nowhere.</summary>
    public Place GroupOf(int row) => row < groups.Count ? groups[row] : default;

    private void Append(string name, Place picture, Place caption)
    {
        var bytes = Encoding.UTF8.GetBytes(name.Length == 0 ? "?" : name);
        names.Add(bytes.AsSpan(0, Math.Min(bytes.Length, NameList.MostBytes)));
        pictures.Add(picture);
        captions.Add(caption);
    }

    private Place Reason(string reason)
    {
        reason = reasons.Count < MostReasons || numberOf.ContainsKey(reason) ? reason : "cannot be used";
        if (!numberOf.TryGetValue(reason, out var number))
        {
            numberOf.Add(reason, number = reasons.Count);
            reasons.Add(reason);
        }

        return new Place(0, -1 - number);
    }
}
