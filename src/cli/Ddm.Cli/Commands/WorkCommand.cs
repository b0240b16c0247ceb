using System.CommandLine;
using Ddm.Runs;
using Ddm.Services;

namespace Ddm.Cli;

/// <summary><c>ddm work</c>: this machine trains for a control plane, by its address and a worker's key alone.</summary>
internal static class WorkCommand
{
    private const string KeyVariable = "DDM_API_KEY";

    public static Command Create()
    {
        var server = new Option<string>("--server") { Description = "The control plane's https address", HelpName = "URL", Required = true };
        var keyFile = new Option<string?>("--key-file") { Description = $"File with the worker's key, its owner's alone (chmod 600) [default: the key in ${KeyVariable}]", HelpName = "FILE" };
        var pool = new Option<string>("--pool") { Description = "The pool to work in; the key is for one", HelpName = "NAME", Required = true };
        var share = new Option<string?>("--device-share") { Description = "Share of the time that training may occupy the device, such as 0.5, where somebody else needs it too", HelpName = "SHARE" };
        var command = new Command("work", "Train experts for a control plane elsewhere, until stopped. Example: ddm work --server https://ddm.example --key-file key --pool home") { server, keyFile, pool, share };
        command.SetAction((parsed, _) => RunAsync(parsed.GetValue(server)!, parsed.GetValue(keyFile), parsed.GetValue(pool)!, parsed.GetValue(share)));
        return command;
    }

    private static Task<int> RunAsync(string server, string? keyFile, string pool, string? share)
    {
        ServerAddress.Parse(server, "--server");
        var key = keyFile is null ? Environment.GetEnvironmentVariable(KeyVariable) : null;
        if (keyFile is null && string.IsNullOrEmpty(key))
        {
            throw new UserErrorException($"which key? Give the file that holds it with --key-file FILE, or set {KeyVariable}.");
        }

        string[] settings =
        [
            $"--{ServerAddress.Setting}={server}",
            keyFile is null ? $"--{ServerAddress.KeySetting}={key}" : $"--{ServerAddress.KeyFileSetting}={keyFile}",
            $"--{WorkerSettings.Section}:{nameof(WorkerSettings.Pool)}={pool}",
            .. share is null ? (string[])[] : [$"--{WorkerSettings.Section}:{nameof(WorkerSettings.DeviceShare)}={share}"],
        ];
        return DdmHost.RunAsync(settings, port: 0, parts: ddm => ddm.AddExpertTraining(ddm.Settings.Pool), prepare: _ => { }, map: _ => { });
    }
}
