using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;

namespace Ddm.Cli;

/// <summary><c>ddm verify</c>: a run's receipts. Walks every role's chain of hashes, and makes randomly drawn slices again, to the bit.</summary>
internal static class VerifyCommand
{
    private const string All = "all";

    public static Command Create()
    {
        var run = CommonOptions.Run();
        var json = CommonOptions.Json();
        var slices = new Option<string>("--slices") { Description = "Slices to make again, 'all' of those that can be, or 0", DefaultValueFactory = _ => "3", HelpName = "N" };
        var seed = new Option<long?>("--seed") { Description = "Draws the slices [default: nobody can know]" };
        var command = new Command("verify", "Check that a run is what was trained: hash chains, and slices made again bit for bit. Example: ddm verify cats --slices 5")
        {
            run, slices, seed, json,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            // Whoever trained must not know which slices are looked at.
            var draw = parsed.GetValue(seed) ?? RandomNumberGenerator.GetInt32(int.MaxValue);
            var count = Count(parsed.GetRequiredValue(slices));
            using var device = new DeviceThread();
            var verification = RunVerification.For(CommonOptions.StoreOf(parsed), device);
            var report = await verification.VerifyAsync(
                parsed.GetRequiredValue(run), count, draw, parsed.GetValue(json) ? new SilentVerification() : new VerificationDisplay(), cancellationToken);
            if (parsed.GetValue(json))
            {
                Console.WriteLine(JsonSerializer.Serialize(report, BlobJson.Options));
            }
            else
            {
                VerificationDisplay.Conclude(report);
            }

            return report.Good ? CommandHost.Success : CommandHost.Failure;
        });
        return command;
    }

    private static int Count(string text) => text == All ? -1
        : int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var count) ? count
        : throw new UserErrorException($"--slices {text}: give a number from 0, or '{All}'.");

    private sealed class SilentVerification : IVerificationProgress
    {
        public void Walked(RoleVerification role)
        {
        }

        public void Drawn(int slices, int candidates, long seed)
        {
        }

        public void Stepped(SliceVerification slice, long step)
        {
        }

        public void Replayed(SliceVerification slice)
        {
        }
    }
}
