using System.CommandLine;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;

namespace Ddm.Cli;

/// <summary><c>ddm rm</c>: removes a run, or one published version of a model.</summary>
internal static class RemoveCommand
{
    public static Command Create()
    {
        var run = new Argument<string?>("RUN") { Description = "Name of the run", Arity = ArgumentArity.ZeroOrOne };
        var model = new Option<string?>("--model") { Description = "Remove this published version instead", HelpName = "NAME/VERSION" };
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask" };
        var command = new Command("rm", "Remove a run; its published models stay. Example: ddm rm cats --yes") { run, model, yes };
        command.SetAction(async (parsed, cancellationToken) => (parsed.GetValue(run), parsed.GetValue(model)) switch
        {
            ({ } name, null) => await RemoveRunAsync(name, CommonOptions.HomeOf(parsed), parsed.GetValue(yes), cancellationToken),
            (null, { } version) => await RemoveModelAsync(version, CommonOptions.StoreOf(parsed), parsed.GetValue(yes), cancellationToken),
            _ => throw new UserErrorException("give either the name of a RUN or --model NAME/VERSION."),
        });
        return command;
    }

    private static async Task<int> RemoveRunAsync(string run, string home, bool yes, CancellationToken cancellationToken)
    {
        var blobs = new FileBlobStore(home);
        var runs = new RunRepository(blobs);
        var removal = new RunRemoval(blobs, runs);
        var plan = await removal.LookAsync(run, cancellationToken);
        using var runLock = RunLock.Acquire(home, run);
        if (!Confirmed(yes, $"Remove run '{run}' ({plan.Blobs} blobs, {ByteText.Of(plan.Bytes)})? Its published models stay."))
        {
            return CommandHost.Interrupted;
        }

        await removal.RemoveAsync(run, WorkerIdentity.Embedded("", 0, 0).IsKnownDead, cancellationToken);
        Console.WriteLine($"Run '{run}' is removed: {plan.Blobs} blobs, {ByteText.Of(plan.Bytes)}. Data sets that no other run uses go with 'ddm gc'.");
        return CommandHost.Success;
    }

    private static async Task<int> RemoveModelAsync(string version, IBlobStore blobs, bool yes, CancellationToken cancellationToken)
    {
        if (!Confirmed(yes, $"Remove the published model '{version}'? It cannot be drawn from any more."))
        {
            return CommandHost.Interrupted;
        }

        var current = await new ModelRemoval(blobs).RemoveAsync(version, cancellationToken);
        Console.WriteLine($"Model '{version}' is removed; {(current is null ? "no version is left" : $"current is {current}")}. Its weights go with 'ddm gc'.");
        return CommandHost.Success;
    }

    private static bool Confirmed(bool yes, string question)
    {
        if (yes)
        {
            return true;
        }

        if (Console.IsInputRedirected)
        {
            throw new UserErrorException("there is no terminal to ask on: give --yes to remove without being asked.");
        }

        Console.Write(question + " [y/N] ");
        return Console.ReadLine()?.Trim().ToLowerInvariant() is "y" or "yes";
    }
}
