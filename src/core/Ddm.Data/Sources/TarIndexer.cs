using System.Formats.Tar;
using System.Globalization;
using System.Text;
using Ddm.Runs;

namespace Ddm.Data;

/// <summary>Sorts the members of one tar file into pictures.</summary>
internal sealed class TarIndexer
{
    private readonly string path;
    private readonly TarRows rows;
    private readonly NameList keys = new();
    private readonly NameIndex index;
    private TarGroup? group;

    /// <param name="path">The tar file.</param>
    /// <param name="rows">Receives its pictures.</param>
    public TarIndexer(string path, TarRows rows)
    {
        this.path = path;
        this.rows = rows;
        index = new NameIndex(keys);
    }

    /// <summary>Takes the next member.</summary>
    /// <param name="entry">The member.</param>
    /// <param name="fileLength">Of the tar file.</param>
    /// <exception cref="UserErrorException">The file ends inside the member.</exception>
    public void Take(TarEntry entry, long fileLength)
    {
        if (entry.EntryType is TarEntryType.Directory or TarEntryType.DirectoryList or TarEntryType.GlobalExtendedAttributes)
        {
            return;
        }

        var name = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
        var file = name[(name.LastIndexOf('/') + 1)..];
        var problem = TypeProblem(entry.EntryType) ?? (SourcePath.Problem(name) is { } wrong ? $"its path {wrong}" : null);
        if (problem is null && (file.StartsWith('.') || (file.StartsWith("__", StringComparison.Ordinal) && file.EndsWith("__", StringComparison.Ordinal))))
        {
            return; // hidden files and notes about the archive, as WebDataset passes them over
        }

        var dot = file.IndexOf('.', StringComparison.Ordinal);
        var key = dot < 0 ? name : name[..(name.Length - file.Length + dot)];
        if (group is null || group.Key != key)
        {
            End();
            group = new TarGroup(key);
        }

        if (problem is not null)
        {
            group.Refuse(name, problem);
            return;
        }

        if (entry.Length > 0 && entry.DataOffset + entry.Length > fileLength)
        {
            throw new UserErrorException(string.Create(CultureInfo.InvariantCulture,
                $"'{path}' is cut short: it has {fileLength} bytes and '{Printable.Text(name)}' would end at {entry.DataOffset + entry.Length}. Fetch it again."));
        }

        group.Take(name, dot < 0 ? "" : file[(dot + 1)..].ToLowerInvariant(), entry.DataOffset, entry.Length, () => Content(entry));
    }

    /// <summary>Closes the picture whose members came last.</summary>
    public void End()
    {
        if (group is null)
        {
            return;
        }

        var key = Encoding.UTF8.GetBytes(group.Key.Length == 0 ? "?" : group.Key);
        keys.Add(key.AsSpan(0, Math.Min(key.Length, NameList.MostBytes)));
        if (index.TryAdd(keys.Count - 1) >= 0 && group.IsPartOfAPicture)
        {
            if (!group.HasPicture)
            {
                throw new UserErrorException($"'{path}': '{Printable.Text(group.FirstName)}' does not stand beside the other members of its base name. " +
                    "Write the archive with its members sorted (tar --sort=name).");
            }

            group.IsRepeated();
        }

        group.AddTo(rows);
        group = null;
    }

    /// <summary>Refuses compressed archives: their members cannot be read by place.</summary>
    /// <exception cref="UserErrorException">It is compressed, or a zip.</exception>
    public static void RequirePlain(FileStream file, string path)
    {
        Span<byte> first = stackalloc byte[4];
        var read = file.ReadAtLeast(first, 4, throwOnEndOfStream: false);
        file.Position = 0;
        ReadOnlySpan<byte> magic = first[..read];
        var (what, remedy) =
            magic.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B]) ? ("gzip", "gunzip") :
            magic.StartsWith("BZh"u8) ? ("bzip2", "bunzip2") :
            magic.StartsWith((ReadOnlySpan<byte>)[0x28, 0xB5, 0x2F, 0xFD]) ? ("zstd", "unzstd") :
            magic.StartsWith((ReadOnlySpan<byte>)[0xFD, (byte)'7', (byte)'z', (byte)'X']) ? ("xz", "unxz") :
            magic.StartsWith("PK"u8) ? ("zip", "unzip") : (null, null);
        if (what is not null)
        {
            throw new UserErrorException($"'{path}' is a {what} file; pictures are read out of plain tar files by their places. Unpack it first: {remedy} '{path}'");
        }
    }

    private static byte[] Content(TarEntry entry)
    {
        var content = new byte[entry.Length];
        entry.DataStream?.ReadExactly(content);
        return content;
    }

    private static string? TypeProblem(TarEntryType type) => type switch
    {
        TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile => null,
        TarEntryType.SymbolicLink => "is a symbolic link; links are not followed",
        TarEntryType.HardLink => "is a hard link; links are not followed",
        TarEntryType.CharacterDevice or TarEntryType.BlockDevice => "is a device",
        TarEntryType.Fifo => "is a named pipe",
        TarEntryType.SparseFile => "is a sparse file; write it whole",
        _ => string.Create(CultureInfo.InvariantCulture, $"is a member of type '{(char)type}'; only regular files are read"),
    };
}
