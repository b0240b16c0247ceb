using System.CommandLine;
using System.Text.Json;
using Ddm.Services;
using Ddm.Storage;

namespace Ddm.Cli;

/// <summary><c>ddm gc</c>: lists and removes what nothing references.</summary>
internal static class CollectCommand
{
    public static Command Create()
    {
        var dryRun = new Option<bool>("--dry-run", "-n") { Description = "List, and remove nothing" };
        var json = CommonOptions.Json();
        var command = new Command("gc", "Remove blobs that nothing references, also beside running processes. Example: ddm gc --dry-run") { dryRun, json };
        command.SetAction((parsed, cancellationToken)
            => CollectAsync(CommonOptions.HomeOf(parsed), parsed.GetValue(dryRun), parsed.GetValue(json), cancellationToken));
        return command;
    }

    private static async Task<int> CollectAsync(string home, bool dryRun, bool json, CancellationToken cancellationToken)
    {
        if (!Directory.Exists(home))
        {
            Console.WriteLine(json ? "[]" : $"There is nothing at {home}.");
            return CommandHost.Success;
        }

        var blobs = new FileBlobStore(home);
        var collection = new GarbageCollection(blobs);
        using var gate = StartGate.Enter(home);
        var leftovers = blobs.FindLeftovers().Select(file => new Garbage(GarbageCollection.Leftover, file.Name, file.Length)).ToList();
        var garbage = await collection.FindAsync(RunLock.Held(home), cancellationToken);
        if (!dryRun)
        {
            await collection.RemoveAsync(garbage, cancellationToken);
            blobs.RemoveLeftovers();
        }

        Show([.. garbage, .. leftovers], dryRun, json);
        return CommandHost.Success;
    }

    private static void Show(List<Garbage> garbage, bool dryRun, bool json)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(garbage, BlobJson.Options));
            return;
        }

        foreach (var kind in garbage.GroupBy(blob => blob.Kind))
        {
            Console.WriteLine($"{kind.Key}: {kind.Count()} blobs, {ByteText.Of(kind.Sum(blob => blob.Bytes))}");
            foreach (var blob in kind)
            {
                Console.WriteLine($"  {ByteText.Of(blob.Bytes),9}  {blob.Name}");
            }
        }

        var total = $"{garbage.Count} blobs, {ByteText.Of(garbage.Sum(blob => blob.Bytes))}";
        Console.WriteLine(garbage.Count == 0 ? "Nothing to remove." : dryRun ? $"{total} would be removed; without --dry-run they are." : $"{total} removed.");
    }
}
