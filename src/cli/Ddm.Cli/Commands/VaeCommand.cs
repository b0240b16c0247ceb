using System.CommandLine;
using System.Globalization;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Training;

namespace Ddm.Cli;

/// <summary><c>ddm vae</c>: an autoencoder of one's own, for runs whose networks see latents.</summary>
internal static class VaeCommand
{
    private static readonly VaeSettings Standard = new();

    public static Command Create()
    {
        var data = new Argument<string>("DATA") { Description = "The pictures: whatever data.source of a spec takes" };
        var output = new Option<string>("--out") { Description = "Folder to write", HelpName = "FOLDER", Required = true };
        var threads = new Option<int?>("--threads") { Description = "CPU threads [default: the machine's]" };
        var json = CommonOptions.Json();
        var options = new VaeOptions(Standard);
        var command = new Command("vae", "Train a small autoencoder for a spec's 'latent:'; the same command again resumes. Example: ddm vae photos --out my-vae") { data, output };
        options.AddTo(command);
        command.Add(threads);
        command.Add(json);
        command.SetAction(parsed => Run(
            options.Read(parsed), parsed.GetRequiredValue(data), parsed.GetRequiredValue(output), parsed.GetValue(threads), parsed.GetValue(json)));
        return command;
    }

    private static int Run(VaeSettings settings, string source, string folder, int? threads, bool json)
    {
        if (threads < 1)
        {
            throw new UserErrorException($"--threads {threads}: give 1 or more.");
        }

        using var stop = new StopSignal();
        using var signals = new StopOnSignals(stop, "Stopping after the running step (again to quit at once).");
        var outcome = VaeDisplay.Show(json, progress => new VaeTraining(settings, source, folder, progress, TimeProvider.System) { Threads = threads }.Run(stop.Token));
        if (!json)
        {
            Tell(outcome, settings, folder);
        }

        return outcome.Quality is null ? CommandHost.Interrupted : CommandHost.Success;
    }

    private static void Tell(VaeOutcome outcome, VaeSettings settings, string folder)
    {
        if (outcome.Quality is not { } quality)
        {
            Console.WriteLine($"{folder} stopped at step {outcome.Step} of {settings.Steps}; its state is kept. Go on with the same command.");
            return;
        }

        var shown = outcome.HeldOut ? "held-out pictures" : "pictures that were trained on, for none is held out";
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{folder} is done in {TrainingText.Span(TimeSpan.FromSeconds(outcome.Seconds))}: PSNR {quality.Psnr:F2} dB, mean error {quality.Levels:F2} levels of 255, on {quality.Pictures} {shown}."));
        Console.WriteLine($"  look     {Path.Combine(folder, "reconstructions.png")}");
        Console.WriteLine($"  use      latent: {{ vae: {folder}, channels: {settings.LatentChannels}, factor: {settings.Config.Factor} }}");
    }
}
