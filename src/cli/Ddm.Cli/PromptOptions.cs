using System.CommandLine;
using System.Globalization;
using Ddm.Runs;
using Ddm.Services;

namespace Ddm.Cli;

/// <summary>The captions that pictures are asked for by.</summary>
internal sealed class PromptOptions
{
    private readonly Option<string[]> prompt = new("--prompt") { Description = "Caption of the pictures; several take turns", AllowMultipleArgumentsPerToken = false };
    private readonly Option<string?> file = new("--prompts") { Description = "File with a caption a line, which take turns" };
    private readonly Option<string?> negative = new("--negative") { Description = "Caption that guidance leads away from [default: none]" };

    public void AddTo(Command command)
    {
        command.Add(prompt);
        command.Add(file);
        command.Add(negative);
    }

    /// <summary>A caption for every picture, or null; and the negative one, or null.</summary>
    /// <exception cref="UserErrorException">The model knows no captions, or a file has none.</exception>
    public async Task<(IReadOnlyList<string?>? Prompts, string? Negative)> ReadAsync(ParseResult parsed, LoadedModel model, int count, CancellationToken cancellationToken)
    {
        var (given, path, away) = (parsed.GetValue(prompt) ?? [], parsed.GetValue(file), parsed.GetValue(negative));
        if (model.Captions is null && (given.Length > 0 || path is not null || away is not null))
        {
            var option = given.Length > 0 ? "--prompt" : path is not null ? "--prompts" : "--negative";
            throw new UserErrorException($"{option}: model {model.Manifest.Name} is not conditioned on captions; leave it out{(model.Ensemble.NullLabel is null ? "" : ", or give --class")}.");
        }

        if (given.Length > 0 && path is not null)
        {
            throw new UserErrorException("--prompt and --prompts: give one of them.");
        }

        var all = path is null ? given : await LinesAsync(path, cancellationToken);
        if (all.Append(away ?? "none").Any(string.IsNullOrWhiteSpace))
        {
            throw new UserErrorException($"{(all.Any(string.IsNullOrWhiteSpace) ? "--prompt" : "--negative")}: an empty caption; leave the option out to draw without one.");
        }

        return (all.Length == 0 ? null : [.. Enumerable.Range(0, count).Select(i => all[i % all.Length])], away);
    }

    /// <summary>The captions of the command line alone, for a server to judge.</summary>
    /// <exception cref="UserErrorException">A file has none.</exception>
    public (IReadOnlyList<string?>? Prompts, string? Negative) Read(ParseResult parsed, int count)
    {
        var (given, path) = (parsed.GetValue(prompt) ?? [], parsed.GetValue(file));
        var all = path is null ? given : File.Exists(path) ? [.. File.ReadAllLines(path).Select(line => line.Trim()).Where(line => line.Length > 0)]
            : throw new UserErrorException($"--prompts {path}: there is no such file.");
        return (all.Length == 0 ? null : [.. Enumerable.Range(0, count).Select(i => all[i % all.Length])], parsed.GetValue(negative));
    }

    /// <summary>Refuses a negative caption that guidance would not lead away from.</summary>
    /// <exception cref="UserErrorException">There is no guidance.</exception>
    public static void RequireEffect(string? away, double scale)
    {
        if (away is not null && scale == 1)
        {
            throw new UserErrorException("--negative has no effect without guidance; add --guidance with a number above 1.");
        }
    }

    private static async Task<string[]> LinesAsync(string path, CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
        {
            throw new UserErrorException($"--prompts {path}: there is no such file.");
        }

        var lines = (await File.ReadAllLinesAsync(path, cancellationToken)).Select(line => line.Trim()).Where(line => line.Length > 0).ToArray();
        return lines.Length > 0 ? lines : throw new UserErrorException(string.Create(CultureInfo.InvariantCulture, $"--prompts {path}: the file has no caption; write one a line."));
    }
}
