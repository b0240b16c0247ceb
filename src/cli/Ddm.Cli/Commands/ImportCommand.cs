using System.CommandLine;
using System.Globalization;
using Ddm.Diffusion;
using Ddm.Encoders;
using Ddm.Services;
using Ddm.Storage;

namespace Ddm.Cli;

/// <summary><c>ddm import</c>: weights that others published become a model.</summary>
internal static class ImportCommand
{
    private static readonly Argument<string> Source = new("PATH") { Description = "A .safetensors file, a folder with one, or an ensemble's folder (model_index.json, expert_0, ..., router, vae)" };
    private static readonly Option<string> Name = new("--name") { Description = "Name of the model", Required = true };
    private static readonly Option<string?> Prediction = new("--prediction") { Description = "What the network predicts", HelpName = "velocity|epsilon" };
    private static readonly Option<string?> Direction = new("--time-direction") { Description = "Which way its time runs, from 0 to 1 (of a velocity)", HelpName = "data-to-noise|noise-to-data" };
    private static readonly Option<double?> TimeScale = new("--time-scale") { Description = "What time in [0, 1] is multiplied by: 1 for SiT, 1000 for DdmAspire's and Paris' (of a velocity)", HelpName = "NUMBER" };
    private static readonly Option<string?> Schedule = new("--schedule") { Description = "Its noise schedule (of epsilon)", HelpName = "linear|cosine" };
    private static readonly Option<int?> Heads = new("--heads") { Description = "Heads of its attention, where its width is of no published size", HelpName = "NUMBER" };
    private static readonly Option<string?> Vae = new("--vae") { Description = "The autoencoder of its latents: a folder with weights and config.json [default: the ensemble's vae]", HelpName = "FOLDER" };
    private static readonly Option<string?> TextEncoder = new("--text-encoder") { Description = "The encoder of captions, CLIP's: a folder with weights and config.json [default: the ensemble's text_encoder]", HelpName = "FOLDER" };
    private static readonly Option<int?> ImageSize = new("--image-size") { Description = "Side of the pictures, where the file has no position table", HelpName = "PIXELS" };
    private static readonly Option<string?> Classes = new("--classes") { Description = "Names of the classes, one a line [default: the ensemble's classes.txt, else numbers]", HelpName = "FILE" };

    public static Command Create()
    {
        var command = new Command("import", "Publish weights that others trained as a model. Example: ddm import SiT-XL-2-256.safetensors --name sit --prediction velocity --time-direction noise-to-data --time-scale 1 --vae sd-vae-ft-ema")
        {
            Source, Name, Prediction, Direction, TimeScale, Schedule, Heads, Vae, TextEncoder, ImageSize, Classes,
        };
        command.SetAction((parsed, cancellationToken) => ImportAsync(Read(parsed), CommonOptions.HomeOf(parsed), cancellationToken));
        return command;
    }

    private static ImportRequest Read(ParseResult parsed) => new()
    {
        Path = parsed.GetRequiredValue(Source),
        Name = parsed.GetRequiredValue(Name),
        Stated = new StatedNetwork
        {
            Prediction = parsed.GetValue(Prediction) is { } prediction ? StatedNetwork.ParsePrediction(prediction) : null,
            Direction = parsed.GetValue(Direction) is { } direction ? StatedNetwork.ParseDirection(direction) : null,
            TimeScale = parsed.GetValue(TimeScale),
            Schedule = parsed.GetValue(Schedule) is { } schedule ? StatedNetwork.ParseSchedule(schedule) : null,
            Heads = parsed.GetValue(Heads),
        },
        Vae = parsed.GetValue(Vae),
        TextEncoder = parsed.GetValue(TextEncoder),
        ImageSize = parsed.GetValue(ImageSize),
        Classes = parsed.GetValue(Classes),
    };

    private static async Task<int> ImportAsync(ImportRequest request, string home, CancellationToken cancellationToken)
    {
        var blobs = new FileBlobStore(home);
        await using var session = new DrawingSession(blobs);
        var import = new ModelImport(blobs, new Publication(blobs, session.Catalog), session.Device, TimeProvider.System, () => StartGate.Enter(home));
        var imported = await import.ImportAsync(request, cancellationToken);
        Show(imported);
        return CommandHost.Success;
    }

    private static void Show(ImportedModel imported)
    {
        var model = imported.Manifest;
        Console.WriteLine($"Model {model.Name}/{model.Version} {(imported.Existed ? "was imported before" : "is published")}: {Drawn(model)}, {model.Experts.Count} expert{(model.Experts.Count == 1 ? "" : "s")}.");
        foreach (var role in model.Experts.Append(model.Router).Where(role => role.Network is not null))
        {
            Console.WriteLine($"  {role.Role,-10} {Describe(role.Network!)}");
        }

        Console.WriteLine($"  routing    {model.Routing}: {model.RoutingReason}");
        Console.WriteLine($"Draw with: ddm sample {model.Name}");
    }

    private static string Drawn(ModelManifest model)
        => string.Create(CultureInfo.InvariantCulture, $"pictures of {model.ImageSize} x {model.ImageSize} x {model.Channels}{(model.ClassNames.Count > 0 ? $", {model.ClassNames.Count} classes" : "")}{(model.Text is null ? "" : ", by prompt")}");

    private static string Describe(RoleNetwork network)
    {
        var shape = network.Shape;
        var size = string.Create(CultureInfo.InvariantCulture, $"width {shape.Hidden}, {shape.Depth} blocks, {shape.Heads} heads, patch {shape.Patch}, input {shape.Channels} x {shape.ImageSize} x {shape.ImageSize}{(shape.Text is null ? "" : ", sees captions")}");
        return network.Parametrization switch
        {
            null => size,
            { Schedule: { } schedule } => $"{size}; noise, {schedule.ToString().ToLowerInvariant()} schedule",
            { Direction: TimeDirection.NoiseToData } velocity => string.Create(CultureInfo.InvariantCulture, $"{size}; velocity, time from noise to data times {velocity.TimeScale}"),
            var velocity => string.Create(CultureInfo.InvariantCulture, $"{size}; velocity, time from data to noise times {velocity.TimeScale}"),
        };
    }
}
