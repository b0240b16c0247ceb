using Ddm.Data;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>What <c>ddm init</c> does: looks at a folder of pictures and writes a spec for it, and beside it the schema that editors read.</summary>
/// <param name="SpecFile">Full path of the spec.</param>
/// <param name="SchemaFile">Full path of the schema; null where another file has its name.</param>
/// <param name="Look">What was seen.</param>
/// <param name="Draft">What was chosen.</param>
public sealed record SpecInit(string SpecFile, string? SchemaFile, SourceLook Look, SpecDraft Draft)
{
    /// <summary>Writes the spec of a source.</summary>
    /// <param name="source">A folder or a file with pictures.</param>
    /// <param name="output">The spec's file.</param>
    /// <param name="name">The run's name; null: made of the folder's.</param>
    /// <param name="force">Whether a file that is there may be replaced.</param>
    /// <exception cref="UserErrorException">There are no pictures, none can be read, the name is none, or the file exists.</exception>
    public static SpecInit Write(string source, string output, string? name, bool force)
    {
        var full = Path.GetFullPath(output);
        if (File.Exists(full) && !force)
        {
            throw new UserErrorException($"'{output}' exists. Give another file with --out FILE, or --force to replace it.");
        }

        var folder = Path.GetDirectoryName(full)!;
        var pictures = Path.GetFullPath(source);
        var look = SourceLook.At(ImageSources.Open(new DataSpec { Source = pictures, ImageSize = SpecDraft.LargestSide }, folder));
        if (look.Sizes.Count == 0)
        {
            throw new UserErrorException(
                $"none of the {look.Sampled} pictures looked at in '{source}' can be read; the first is {(look.Unreadable.Count > 0 ? look.Unreadable[0] : "missing")}.");
        }

        var run = name is null ? SpecTemplate.NameOf(Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(pictures))) : RunName.Require(name);
        Directory.CreateDirectory(folder);
        var schema = WriteSchema(folder);
        var text = SpecTemplate.Write(run, Relative(folder, pictures), look, RunSpecSchema.FileName);
        RunSpecReader.Read(text, output); // what this writes is a spec, or it is not written
        File.WriteAllText(full, text);
        return new SpecInit(full, schema, look, SpecDraft.For(look));
    }

    // A path below or beside the spec moves with it; anything farther away is named in full.
    private static string Relative(string folder, string pictures)
    {
        var relative = Path.GetRelativePath(folder, pictures);
        return Path.IsPathRooted(relative) || relative.StartsWith(Path.Combine("..", ".."), StringComparison.Ordinal) ? pictures : relative.Replace('\\', '/');
    }

    private static string? WriteSchema(string folder)
    {
        var file = Path.Combine(folder, RunSpecSchema.FileName);
        if (File.Exists(file) && !File.ReadAllText(file).Contains(RunSpecSchema.Title, StringComparison.Ordinal))
        {
            return null; // somebody's own
        }

        File.WriteAllText(file, RunSpecSchema.Write());
        return file;
    }
}
