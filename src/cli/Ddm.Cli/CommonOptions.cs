using System.CommandLine;
using Ddm.Runs;
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

    /// <summary>Where the blobs lie, when not in a folder of this machine.</summary>
    public static readonly Option<string?> Blobs = new("--blobs")
    {
        Description = "A blob container instead of a folder, for commands that need none: https://ACCOUNT.blob.core.windows.net/CONTAINER or a connection string; one with a key belongs into $DDM_BLOBS, where no process list shows it",
        HelpName = "CONNECTION",
        Recursive = true,
    };

    private const string HomeVariable = "DDM_HOME", BlobsVariable = "DDM_BLOBS";

    /// <summary>Machine-readable output.</summary>
    public static Option<bool> Json() => new("--json") { Description = "Print JSON for machines" };

    /// <summary>The run a command is about.</summary>
    public static Argument<string> Run() => new("RUN") { Description = "Name of the run" };

    /// <summary>The home folder's full path, of a command that works in a folder alone.</summary>
    /// <exception cref="UserErrorException">It lies on a network file system, or a container is named instead.</exception>
    public static string HomeOf(ParseResult parsed)
    {
        var home = AnyHomeOf(parsed);
        NetworkFileSystem.Refuse(home);
        return home;
    }

    /// <summary>The home folder's full path, wherever it lies.</summary>
    /// <exception cref="UserErrorException">A container is named instead.</exception>
    public static string AnyHomeOf(ParseResult parsed) => ConnectionOf(parsed) is not var (_, setting) ? FolderOf(parsed) : throw new UserErrorException(
        $"{setting} names a container, and ddm {parsed.CommandResult.Command.Name} works in a folder of this machine: leave it out, or give --home DIR.");

    /// <summary>The store of a command that only reads and writes blobs: the container that is named, else the home folder.</summary>
    /// <exception cref="UserErrorException">The folder lies on a network file system, or the container's connection cannot be read.</exception>
    public static IBlobStore StoreOf(ParseResult parsed)
        => ConnectionOf(parsed) is var (connection, setting) ? BlobStores.Open(connection, setting) : new FileBlobStore(HomeOf(parsed));

    // What is said on the command line goes before what the environment says.
    private static (string Connection, string Setting)? ConnectionOf(ParseResult parsed)
    {
        var (home, blobs) = (parsed.GetValue(Home), parsed.GetValue(Blobs));
        if (home is not null && blobs is not null)
        {
            throw new UserErrorException($"--home {home} and --blobs: give one of them.");
        }

        return blobs is not null ? (blobs, Blobs.Name)
            : home is null && NullIfEmpty(Environment.GetEnvironmentVariable(BlobsVariable)) is { } variable ? (variable, BlobsVariable)
            : null;
    }

    private static string FolderOf(ParseResult parsed)
        => Path.GetFullPath(parsed.GetValue(Home) ?? NullIfEmpty(Environment.GetEnvironmentVariable(HomeVariable)) ?? ".ddm");

    private static string? NullIfEmpty(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;
}
