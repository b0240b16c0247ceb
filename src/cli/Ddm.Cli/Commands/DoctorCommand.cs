using System.CommandLine;
using System.Text.Json;
using Ddm.Services;
using Ddm.Storage;

namespace Ddm.Cli;

/// <summary><c>ddm doctor</c>: does this machine have what a run needs, and how fast is it.</summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        var json = CommonOptions.Json();
        var command = new Command("doctor", "Check this machine: libtorch, images, the home folder, speed") { json };
        command.SetAction((parsed, cancellationToken) => CheckAsync(CommonOptions.AnyHomeOf(parsed), parsed.GetValue(json), cancellationToken));
        return command;
    }

    private static async Task<int> CheckAsync(string home, bool json, CancellationToken cancellationToken)
    {
        var checks = await MachineCheck.RunAsync(home, cancellationToken);
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(checks, BlobJson.Options));
        }
        else
        {
            foreach (var check in checks)
            {
                Console.WriteLine($"{(check.Good ? "ok  " : "FAIL")}  {check.Name,-10} {check.Finding}");
            }
        }

        return checks.All(c => c.Good) ? CommandHost.Success : CommandHost.Failure;
    }
}
