using System.CommandLine;
using System.Text.Json;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;

namespace Ddm.Cli;

/// <summary><c>ddm topology</c>: makes a broker ready for the services. They do it too when they start; policies only a person's rights may allow.</summary>
internal static class TopologyCommand
{
    private const string Variable = "ConnectionStrings__messaging";

    public static Command Create()
    {
        var broker = new Option<string?>("--broker") { Description = $"Address, amqp://user:password@host:port/vhost; else what {Variable} says", HelpName = "URL" };
        var pools = new Option<string[]>("--pool") { Description = "A pool of trainers; may be given several times", HelpName = "NAME", AllowMultipleArgumentsPerToken = false };
        var management = new Option<string?>("--management") { Description = "Address of the management API; else port 15671 of an amqps broker, or 15672 of one on this machine", HelpName = "URL" };
        var timeout = new Option<int>("--ack-timeout") { Description = "Minutes a message may be worked on, for brokers that take it as a policy", DefaultValueFactory = _ => 30, HelpName = "MIN" };
        var json = CommonOptions.Json();
        var command = new Command("topology", "Declare queues, dead letters and limits on a RabbitMQ broker; again is harmless. Example: ddm topology --broker amqp://guest:guest@localhost/ --pool a100")
        {
            broker, pools, management, timeout, json,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            BrokerAddress.Parse(parsed.GetValue(broker) ?? Environment.GetEnvironmentVariable(Variable), parsed.GetValue(broker) is null ? Variable : "--broker"),
            parsed.GetValue(pools) ?? [],
            Management(parsed.GetValue(management)),
            Timeout(parsed.GetValue(timeout)),
            parsed.GetValue(json),
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(BrokerAddress broker, string[] pools, Uri? management, TimeSpan timeout, bool json, CancellationToken cancellationToken)
    {
        foreach (var pool in pools)
        {
            PoolName.Require(pool);
        }

        var state = await new Topology(broker).EnsureAsync(pools, cancellationToken);
        var policy = await new BrokerPolicies(broker, timeout).EnsureAsync(state.Version, management, mayRun: true, cancellationToken);
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new { broker = broker.ToString(), version = state.Version.ToString(), state.Queues, Policy = policy }, BlobJson.Options));
            return CommandHost.Success;
        }

        Console.WriteLine($"RabbitMQ {state.Version} at {broker.Place}, virtual host {broker.VirtualHost}");
        Console.WriteLine($"  queues   {string.Join(", ", state.Queues)}");
        Console.WriteLine($"  dead     {QueueNames.Dead}: what nobody can take; look at it when it is not empty");
        Console.WriteLine(policy.Done ? $"  policy   {BrokerPolicies.Name}, {policy.Text}" : $"  policy   not set from here. On the broker's machine, run:{Environment.NewLine}    {policy.Text}");
        if (BrokerPolicies.TimeoutHint(state.Version, timeout) is { } hint)
        {
            Console.WriteLine($"  timeout  {hint}");
        }

        return CommandHost.Success;
    }

    private static Uri? Management(string? text) => text is null ? null
        : Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" ? address
        : throw new UserErrorException($"--management '{Printable.Text(text)}' is no address. It looks like http://host:15672.");

    private static TimeSpan Timeout(int minutes) => minutes is >= 1 and <= 10_080
        ? TimeSpan.FromMinutes(minutes)
        : throw new UserErrorException($"--ack-timeout {minutes} is out of range: 1 to 10080 minutes.");
}
