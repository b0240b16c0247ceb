using System.CommandLine;
using System.Globalization;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Serving;
using Ddm.Storage;

namespace Ddm.Cli;

/// <summary><c>ddm host</c>: some experts of a model in this process, for gateways to ask, until Ctrl+C.</summary>
internal static class HostCommand
{
    private const int UsualPort = 5095;
    private const string KeyVariable = "DDM_EXPERT_KEY";
    private const string Section = "Ddm:ExpertHost", ExpertsName = "--experts", BytesName = "--expert-bytes";

    public static Command Create()
    {
        var model = new Argument<string>("MODEL") { Description = "Published model whose experts are held" };
        var experts = new Option<string?>(ExpertsName) { Description = "Which of them: 0,3,5, or a share: 2/4 is the second of four hosts' [default: all]", HelpName = "LIST" };
        var port = ServerProcess.Port(UsualPort, " gateways");
        var host = new Option<string>("--host") { Description = "Address it listens on; other than this machine's own needs --plain", HelpName = "ADDRESS", DefaultValueFactory = _ => "127.0.0.1" };
        var plain = new Option<bool>("--plain") { Description = "Answer without TLS beyond this machine: the network itself is encrypted" };
        var key = new Option<string?>("--api-key") { Description = $"Key that gateways must have; better in ${KeyVariable}, where other users cannot see it [default: this machine's own, kept in a file]", HelpName = "KEY" };
        var weights = ExpertOptions.Weights();
        var bytes = new Option<string?>(BytesName) { Description = "Bytes that its experts may take in memory; those that do not fit are read when they are asked [default: all fit]", HelpName = "N" };
        var command = new Command("host", "Hold experts of a model for gateways elsewhere. Example: ddm host cats --experts 0,1 --port 5095") { model, experts, port, host, plain, key, weights, bytes };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var (name, number) = (RunName.Require(parsed.GetRequiredValue(model)), ServerProcess.RequirePort(parsed.GetValue(port)));
            var address = Address(parsed.GetRequiredValue(host), number, parsed.GetValue(plain));
            var settings = new Dictionary<string, string?>
            {
                [$"{Section}:Model"] = name,
                [$"{Section}:Experts"] = parsed.GetValue(experts),
                [$"{Section}:ExpertWeights"] = parsed.GetValue(weights),
                [$"{Section}:ExpertBytes"] = parsed.GetValue(bytes),
                [$"{Section}:Listen"] = address.OriginalString,
                [$"{Section}:Plain"] = parsed.GetValue(plain) ? "true" : "false",
            };
            var given = parsed.GetValue(key) ?? Environment.GetEnvironmentVariable(KeyVariable);
            if (given is { Length: > 0 })
            {
                settings["Ddm:ApiKeys:0"] = given;
            }

            return await RunAsync(CommonOptions.StoreOf(parsed), settings, name, cancellationToken);
        });
        return command;
    }

    private static Uri Address(string host, int port, bool plain)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"http://{host}:{port}");
        return !Uri.TryCreate(text, UriKind.Absolute, out var address) || address.PathAndQuery != "/"
            ? throw new UserErrorException($"--host '{Printable.Text(host)}' is no address. It looks like 127.0.0.1 or 10.0.0.7.")
            : address.IsLoopback || plain ? address : throw new UserErrorException(
                $"--host {Printable.Text(host)}: key and rows would cross the network in the open. Say --plain where the network itself is encrypted, or run Ddm.ExpertHost with a certificate.");
    }

    private static async Task<int> RunAsync(IBlobStore blobs, Dictionary<string, string?> settings, string model, CancellationToken cancellationToken)
    {
        try
        {
            return await ServerProcess.RunAsync(
                "Stopping: questions under way are answered first (again to quit at once).",
                starting => LocalExpertHost.StartAsync(blobs, settings, ServerProcess.Log, starting), host => Tell(host, settings.ContainsKey("Ddm:ApiKeys:0"), model), cancellationToken);
        }
        catch (UserErrorException e)
        {
            throw ExpertOptions.InWordsOfOptions(e, ($"{Section}:Experts", ExpertsName), ($"{Section}:ExpertWeights", ExpertOptions.WeightsName), ($"{Section}:ExpertBytes", BytesName));
        }
    }

    private static void Tell(LocalExpertHost host, bool keyGiven, string model)
    {
        var holding = host.Holding ?? throw new UserErrorException(host.Refused ?? $"no model '{model}' is published here. ddm run publishes one at its end; --home names the folder it lies in.");
        Console.WriteLine("  holds    " + holding);
        Console.WriteLine($"  key      {(keyGiven ? "as given" : ApiKeyFile.DefaultPath ?? "in the log above")}");
        Console.WriteLine($"Answers gateways at {host.Address.AbsoluteUri.TrimEnd('/')}: ddm serve {model} --expert-host {host.Address.AbsoluteUri.TrimEnd('/')}. Ctrl+C stops.");
    }
}
