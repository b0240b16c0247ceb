using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>
/// Limits and timeouts of the queues, as a policy on the broker: they may change, where a queue's arguments may not. Set through the management API where there is
/// one, else by rabbitmqctl on the broker's own machine; else a person is told what to run.
/// </summary>
/// <param name="broker">Where.</param>
/// <param name="acknowledgementTimeout">How long the broker waits for an acknowledgement.</param>
public sealed class BrokerPolicies(BrokerAddress broker, TimeSpan acknowledgementTimeout)
{
    /// <summary>Of the policy.</summary>
    public const string Name = "ddm";

    /// <summary>
    /// How often a message may be handed out before it goes to the dead letters. A role gives up long before, by its own count; this ends only messages that kill
    /// every process which takes them.
    /// </summary>
    public const int DeliveryLimit = 200;

    private const string Pattern = "^(submit|ingest|features|clustering|publishing|train\\..+)$";
    private const int ManagementPort = 15672, SecureManagementPort = 15671;
    private static readonly Version TimeoutByPolicy = new(3, 12);
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(10);

    /// <summary>What to do about the acknowledgement timeout where no policy can carry it; null where one does.</summary>
    public static string? TimeoutHint(Version version, TimeSpan timeout) => version >= TimeoutByPolicy ? null : FormattableString.Invariant(
        $"RabbitMQ {version} has one consumer_timeout for all queues, in rabbitmq.conf (default 30 minutes): consumer_timeout = {timeout.TotalMilliseconds:F0}. Tell the services too: Ddm:AcknowledgementTimeout.");

    /// <summary>Sets the policy.</summary>
    /// <param name="version">The broker's: timeouts are a policy's business from 3.12 on, before that <c>consumer_timeout</c> in its configuration is.</param>
    /// <param name="management">Address of the management API; null: the usual one, where that keeps the password to those who may know it.</param>
    /// <param name="mayRun">Whether rabbitmqctl may be run.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>What was done, or what a person has to do.</returns>
    public async Task<PolicyOutcome> EnsureAsync(Version version, Uri? management, bool mayRun, CancellationToken cancellationToken)
    {
        var definition = Definition(version);
        if ((management ?? UsualManagement(broker)) is { } address && await PutAsync(address, definition, cancellationToken) is { } answer)
        {
            return answer;
        }

        string[] arguments = ["-p", broker.VirtualHost, "set_policy", "--apply-to", "queues", Name, Pattern, JsonSerializer.Serialize(definition)];
        return mayRun && broker.IsLocal && await RunAsync(arguments, cancellationToken)
            ? new PolicyOutcome(true, "set by rabbitmqctl")
            : new PolicyOutcome(false, "rabbitmqctl " + string.Join(' ', arguments.Select(Quote)));
    }

    /// <summary>
    /// Where a broker's management API is unless somebody says so: over TLS where the broker is spoken to over TLS. Its login is the broker's, which goes in plain text
    /// to this machine alone; null: it is not asked.
    /// </summary>
    public static Uri? UsualManagement(BrokerAddress broker) =>
        broker.IsSecure ? new UriBuilder("https", broker.Uri.Host, SecureManagementPort).Uri
        : broker.IsLocal ? new UriBuilder("http", broker.Uri.Host, ManagementPort).Uri
        : null;

    private Dictionary<string, long> Definition(Version version)
    {
        var definition = new Dictionary<string, long> { ["delivery-limit"] = DeliveryLimit };
        if (version >= TimeoutByPolicy)
        {
            definition["consumer-timeout"] = (long)acknowledgementTimeout.TotalMilliseconds;
        }

        return definition;
    }

    // Null where there is no management API.
    private async Task<PolicyOutcome?> PutAsync(Uri management, Dictionary<string, long> definition, CancellationToken cancellationToken)
    {
        using var client = new HttpClient { Timeout = LongestAnswer };
        var login = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{broker.User}:{broker.Password}"));
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", login);
        var address = new Uri(management, $"/api/policies/{Uri.EscapeDataString(broker.VirtualHost)}/{Name}");
        var body = new Dictionary<string, object> { ["pattern"] = Pattern, ["definition"] = definition, ["apply-to"] = "queues", ["priority"] = 0 };
        try
        {
            using var response = await client.PutAsJsonAsync(address, body, cancellationToken);
            return response.IsSuccessStatusCode
                ? new PolicyOutcome(true, $"set through {management.GetLeftPart(UriPartial.Authority)}")
                : throw new UserErrorException($"The management API at {management.GetLeftPart(UriPartial.Authority)} answers {(int)response.StatusCode} to user '{broker.User}' for the policy "
                    + $"'{Name}': {(await response.Content.ReadAsStringAsync(cancellationToken)).Trim()}. Give the user the tag 'policymaker', or set the policy by hand.");
        }
        catch (HttpRequestException)
        {
            return null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private static async Task<bool> RunAsync(string[] arguments, CancellationToken cancellationToken)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("rabbitmqctl", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            await Task.WhenAll(process.StandardOutput.ReadToEndAsync(cancellationToken), process.StandardError.ReadToEndAsync(cancellationToken), process.WaitForExitAsync(cancellationToken));
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false; // not installed here
        }
    }

    private static string Quote(string argument) => argument.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '/' or '.') ? argument : $"'{argument}'";
}
