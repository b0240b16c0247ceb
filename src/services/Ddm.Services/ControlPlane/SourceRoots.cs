using Ddm.Data;
using Ddm.Runs;
using Microsoft.Extensions.Configuration;

namespace Ddm.Services;

/// <summary>
/// The folders of this machine that a submitted spec may name files in: whoever may submit a run must not thereby read every file that the services can read.
/// Symbolic links are followed before a path is judged, those inside a named folder too.
/// </summary>
public sealed class SourceRoots
{
    /// <summary>The setting that lists them, one folder an entry or several with ';' between.</summary>
    public const string Setting = "Ddm:SourceRoots";

    private readonly string[] roots;

    /// <param name="folders">Full paths of folders that exist.</param>
    /// <exception cref="UserErrorException">One is relative, missing, or the root of the file system.</exception>
    public SourceRoots(IEnumerable<string> folders) => roots = [.. folders.Select(Require)];

    /// <summary>Reads the setting.</summary>
    /// <exception cref="UserErrorException">As for the constructor.</exception>
    public static SourceRoots From(IConfiguration configuration) => new(SettingList.Read(configuration, Setting));

    /// <summary>The folder that a spec's paths start at when whoever submits names none.</summary>
    /// <exception cref="UserErrorException">No folder is open.</exception>
    public string Default => roots.Length > 0 ? roots[0] : throw Closed();

    /// <summary>Judges every path of a spec.</summary>
    /// <param name="spec">The spec.</param>
    /// <param name="root">The folder that its relative paths start at.</param>
    /// <exception cref="UserErrorException">A path leads elsewhere; the message names its key and the setting, and no folder that the caller did not name.</exception>
    public void Require(RunSpec spec, string root)
    {
        if (roots.Length == 0)
        {
            throw Closed();
        }

        var guards = roots.Select(folder => new LinkGuard(folder)).ToArray();
        RequireInside("root", root, [Absolute(root)], guards, within: false);
        RequireInside("data.source", spec.Data.Source, ImageSources.PathsOf(spec.Data, root), guards, within: true);
        (string Key, string? Path)[] weights =
        [
            ("features.weights", spec.Features.Weights), ("latent.vae", spec.Latent.Vae), ("text.weights", spec.Text.Weights), ("init.checkpoint", spec.Init.Checkpoint),
        ];
        foreach (var (key, path) in weights)
        {
            if (path is not null)
            {
                RequireInside(key, path, [Path.GetFullPath(Path.Combine(root, path))], guards, within: true);
            }
        }
    }

    private static void RequireInside(string key, string value, IReadOnlyList<string> paths, LinkGuard[] guards, bool within)
    {
        try
        {
            if (paths.All(Inside) && (!within || paths.Where(Directory.Exists).SelectMany(LinkWalk.Links).All(Inside)))
            {
                return;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // a circle of links, or a folder that may not be listed: refused as well
        }

        throw new UserErrorException($"{key} '{Printable.Text(value)}' leads out of the folders that are open to submitted runs. Put the files under one of them, or let " +
            $"whoever runs the services add their folder to the setting {Setting}.");

        bool Inside(string path) => guards.Any(guard => guard.IsInside(path));
    }

    private static string Absolute(string root) => Path.IsPathFullyQualified(root)
        ? Path.GetFullPath(root)
        : throw new UserErrorException($"root '{Printable.Text(root)}' is not a full path. Give the folder on the server that the spec's paths start at, or leave it out.");

    private static string Require(string folder)
    {
        var remedy = $"{Setting} lists full paths of folders, for instance /data.";
        return !Path.IsPathFullyQualified(folder) ? throw new UserErrorException($"{Setting}: '{folder}' is not a full path. {remedy}")
            : !Directory.Exists(folder) ? throw new UserErrorException($"{Setting}: the folder '{folder}' is not there. {remedy}")
            : Path.GetPathRoot(folder) == folder ? throw new UserErrorException($"{Setting}: '{folder}' would open every file of the machine. {remedy}")
            : Path.GetFullPath(folder);
    }

    private static UserErrorException Closed() => new(
        $"No folder of the server is open to submitted runs. Whoever runs the services opens some with the setting {Setting}.");
}
