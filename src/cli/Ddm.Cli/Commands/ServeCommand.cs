using System.CommandLine;
using System.Globalization;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Serving;
using Ddm.Storage;

namespace Ddm.Cli;

/// <summary><c>ddm serve</c>: the inference gateway in this process, until Ctrl+C.</summary>
internal static class ServeCommand
{
    private const int UsualPort = 5090;
    private const string KeyVariable = "DDM_API_KEY", ExpertKeyVariable = "DDM_EXPERT_KEY";
    private const string WeightsSetting = ServingSettings.Section + ":ExpertWeights", HostsSetting = "Ddm:ExpertHosts:Addresses", HostsKeySetting = "Ddm:ExpertHosts:Key";

    public static Command Create()
    {
        var what = new Argument<string?>("MODEL") { Description = "Model to serve, or a home folder, of which every published model is served [default: those of the home]", Arity = ArgumentArity.ZeroOrOne };
        var port = ServerProcess.Port(UsualPort);
        var host = new Option<string>("--host") { Description = "Address it listens on; other than this machine's own is open to the network", HelpName = "ADDRESS", DefaultValueFactory = _ => "127.0.0.1" };
        var key = new Option<string?>("--api-key") { Description = $"Key that opens it; better in ${KeyVariable}, where other users cannot see it [default: one of its own, kept in a file]", HelpName = "KEY" };
        var weights = ExpertOptions.Weights();
        var hosts = new Option<string[]>("--expert-host") { Description = $"Address of a ddm host that holds experts, once for each; their key is in ${ExpertKeyVariable} [default: this machine's own]", HelpName = "URL" };
        var command = new Command("serve", "Draw pictures for clients of OpenAI's images API. Example: ddm serve cats --port 5090") { what, port, host, key, weights, hosts };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var (asked, number) = (parsed.GetValue(what), ServerProcess.RequirePort(parsed.GetValue(port)));
            var isHome = asked is not null && (Directory.Exists(asked) || asked.Contains(Path.DirectorySeparatorChar, StringComparison.Ordinal));
            var blobs = isHome ? Home(asked!) : CommonOptions.StoreOf(parsed);
            var model = isHome || asked is null ? null : RunName.Require(asked);
            var settings = new Dictionary<string, string?>
            {
                [$"{ServingSettings.Section}:Models"] = model,
                [WeightsSetting] = parsed.GetValue(weights),
                [HostsSetting] = string.Join(';', parsed.GetValue(hosts) ?? []),
                [HostsKeySetting] = Environment.GetEnvironmentVariable(ExpertKeyVariable),
            };
            if ((parsed.GetValue(key) ?? Environment.GetEnvironmentVariable(KeyVariable)) is { Length: > 0 } given)
            {
                settings["Ddm:ApiKeys:0"] = given;
            }

            return await RunAsync(blobs, string.Create(CultureInfo.InvariantCulture, $"http://{parsed.GetRequiredValue(host)}:{number}"), settings, model, cancellationToken);
        });
        return command;
    }

    private static FileBlobStore Home(string folder)
    {
        NetworkFileSystem.Refuse(folder);
        return Directory.Exists(folder) ? new FileBlobStore(folder) : throw new UserErrorException($"'{Printable.Text(folder)}' is no folder. Give a model's name, or the home folder of a run.");
    }

    private static async Task<int> RunAsync(IBlobStore blobs, string address, Dictionary<string, string?> settings, string? model, CancellationToken cancellationToken)
    {
        try
        {
            return await ServerProcess.RunAsync(
                "Stopping: requests under way are answered first (again to quit at once).",
                starting => ServingHost.StartAsync(blobs, address, settings, ServerProcess.Log, starting), host => Tell(host, settings.ContainsKey("Ddm:ApiKeys:0"), model), cancellationToken);
        }
        catch (UserErrorException e)
        {
            throw ExpertOptions.InWordsOfOptions(e, (WeightsSetting, ExpertOptions.WeightsName), (HostsSetting, "--expert-host"), (HostsKeySetting, "$" + ExpertKeyVariable));
        }
    }

    private static void Tell(ServingHost host, bool keyGiven, string? model)
    {
        var (served, refused) = host.Describe();
        if (served.Count == 0 && model is not null)
        {
            throw new UserErrorException(refused.Count > 0 ? string.Join(Environment.NewLine, refused) : $"there is no model '{model}' to serve.");
        }

        foreach (var line in served)
        {
            Console.WriteLine("  model    " + line);
        }

        foreach (var line in refused)
        {
            Console.Error.WriteLine("not served: " + line);
        }

        Console.WriteLine($"  key      {(keyGiven ? "as given" : ApiKeyFile.DefaultPath ?? "in the log above")}");
        Console.WriteLine($"  pages    {host.Address.AbsoluteUri.TrimEnd('/')}");
        Console.WriteLine($"Answers at {host.Address.AbsoluteUri.TrimEnd('/')}/v1 as OpenAI's images API. Ctrl+C stops.");
    }
}
