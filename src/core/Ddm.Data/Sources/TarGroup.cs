using System.Text;

namespace Ddm.Data;

/// <summary>The members of a tar that share a base name while they are read: a picture, its caption and its label.</summary>
internal sealed class TarGroup(string key)
{
    private readonly HashSet<string> extensions = new(StringComparer.Ordinal);
    private string? name, firstName, problem;
    private TarRows.Place picture, text, json;
    private JsonRow jsonRow;
    private string? cls;

    /// <summary>The base name: up to the first dot behind the last slash.</summary>
    public string Key => key;

    /// <summary>Whether there is anything to lose: a picture, or a caption or label that belongs to one.</summary>
    public bool IsPartOfAPicture => name is not null || text.Length != 0 || json.Length != 0 || cls is not null;

    /// <summary>Whether it has a picture.</summary>
    public bool HasPicture => name is not null;

    /// <summary>The first member's name.</summary>
    public string FirstName => firstName ?? key;

    /// <summary>Takes a member.</summary>
    /// <param name="member">Its name.</param>
    /// <param name="extension">Behind the base name and its dot, in lower case.</param>
    /// <param name="at">Where its bytes stand.</param>
    /// <param name="length">How many.</param>
    /// <param name="read">Reads them.</param>
    public void Take(string member, string extension, long at, long length, Func<byte[]> read)
    {
        firstName ??= member;
        if (!extensions.Add(extension))
        {
            problem ??= "two members of the archive have its name";
            return;
        }

        try
        {
            TakeKnown(member, extension, at, length, read);
        }
        catch (BadImageException error)
        {
            problem ??= error.Message;
        }
    }

    /// <summary>Notes a member that must not be read.</summary>
    public void Refuse(string member, string reason)
    {
        var isPicture = PictureFile.IsPicture(member);
        problem ??= isPicture ? reason : $"its member '{Path.GetExtension(member)}' {reason}";
        firstName ??= member;
        name = isPicture ? member : name;
    }

    /// <summary>Notes that its base name is in the archive already.</summary>
    public void IsRepeated() => problem ??= "another picture of the archive has its base name";

    /// <summary>Hands on what was gathered.</summary>
    public void AddTo(TarRows rows)
    {
        if (problem is not null)
        {
            rows.AddBad(name ?? FirstName, problem);
        }
        else if (name is not null)
        {
            var caption = text.Length != 0 ? text : jsonRow.Text is not null ? json with { Length = -json.Length } : default;
            rows.Add(name, picture, caption, jsonRow.Group is null ? default : json, cls is null ? jsonRow.Label : Label.Parse(cls));
        }
    }

    private void TakeKnown(string member, string extension, long at, long length, Func<byte[]> read)
    {
        switch (extension)
        {
            case "jpg" or "jpeg" or "png" or "webp" when name is not null:
                problem ??= "two pictures have its base name";
                break;
            case "jpg" or "jpeg" or "png" or "webp":
                name = member;
                PictureFile.RequireSmall(length);
                picture = new TarRows.Place(at, (int)length);
                break;
            case "txt":
                Caption.RequireShort(length);
                text = new TarRows.Place(at, (int)length);
                break;
            case "json":
                json = new TarRows.Place(at, RequireLine(length, ".json"));
                problem ??= JsonRow.TryParse(read(), out jsonRow) is { } wrong ? "its .json " + wrong : null;
                break;
            case "cls":
                RequireLine(length, ".cls");
                cls = Encoding.UTF8.GetString(read()).Trim();
                break;
        }
    }

    private static int RequireLine(long length, string what) => length <= LineReader.MostBytes
        ? (int)length
        : throw new BadImageException($"its {what} is longer than {LineReader.MostBytes} bytes");
}
