using System.CommandLine;
using Ddm.Storage;

namespace Ddm.Cli;

/// <summary>Options that several commands share.</summary>
internal static class CommonOptions
{
    /// <summary>Where the blobs lie.</summary>
    public static readonly Option<string?> Home = new("--home")
    {
        Description = "Folder of the blobs [default: $DDM_HOME, else ./.ddm]",
        HelpName = "DIR",
        Recursive = true,
    };

    /// <summary>Machine-readable output.</summary>
    public static Option<bool> Json() => new("--json") { Description = "Print JSON for machines" };

    /// <summary>The run a command is about.</summary>
    public static Argument<string> Run() => new("RUN") { Description = "Name of the run" };

    /// <summary>The home folder's full path.</summary>
    /// <exception cref="Ddm.Runs.UserErrorException">It lies on a network file system.</exception>
    public static string HomeOf(ParseResult parsed)
    {
        var home = AnyHomeOf(parsed);
        NetworkFileSystem.Refuse(home);
        return home;
    }

    /// <summary>The home folder's full path, wherever it lies.</summary>
    public static string AnyHomeOf(ParseResult parsed)
        => Path.GetFullPath(parsed.GetValue(Home) ?? NullIfEmpty(Environment.GetEnvironmentVariable("DDM_HOME")) ?? ".ddm");

    /// <summary>The store in the home folder.</summary>
    public static FileBlobStore StoreOf(ParseResult parsed) => new(HomeOf(parsed));

    private static string? NullIfEmpty(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;
}
