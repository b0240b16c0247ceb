using System.Globalization;
using Ddm.Diffusion;
using Ddm.Evaluation;
using TorchSharp;

namespace Ddm.Services;

/// <summary>The fixed-seed grids of a report: the same seeds and classes for every strategy and for every expert alone, so that columns compare.</summary>
internal static class SampleGrids
{
    private const int PicturesWithoutClasses = 40;
    private const int PicturesPerClass = 4;
    private const int FewColumns = 8, FewPerClass = 2;
    private const int FirstRows = 2;
    private const int MostColumns = 16;

    /// <summary>Columns of a grid of captions.</summary>
    public const int PromptColumns = 12;

    private const int FirstSeed = 1000;

    /// <summary>Draws all grids; the first is the model's default strategy. Call on the device thread.</summary>
    /// <param name="model">What draws.</param>
    /// <param name="prompts">Captions, a column each; empty: none.</param>
    /// <param name="cancellationToken">Stops between steps.</param>
    public static IReadOnlyList<SampleGrid> Draw(LoadedModel model, IReadOnlyList<string> prompts, CancellationToken cancellationToken)
    {
        using var scope = torch.NewDisposeScope();
        var standard = model.Manifest.Routing;
        var strategies = new[] { standard, "top-1", "full" }.Distinct();
        var grids = strategies.Select(s => Draw(model, prompts, s, s, Note(s, s == standard, prompts), null, cancellationToken)).ToList();
        for (var k = 0; k < model.Ensemble.Count; k++)
        {
            if (model.Ensemble.Available[k])
            {
                var name = string.Create(CultureInfo.InvariantCulture, $"expert {k} alone");
                grids.Add(Draw(model, prompts, "oracle", name, "every picture by this one expert, also those of classes its cluster has little of", k, cancellationToken));
            }
        }

        return grids;
    }

    /// <summary>A grid of a few pictures by the model's default strategy, for a model whose run left none. Call on the device thread.</summary>
    public static SampleGrid DrawFew(LoadedModel model, CancellationToken cancellationToken)
        => Draw(model, [], model.Manifest.Routing, model.Manifest.Routing, Note(model.Manifest.Routing, standard: true, []), null, cancellationToken, FewColumns, FewPerClass);

    /// <summary>The first rows of the first grid that <see cref="Draw(LoadedModel, IReadOnlyList{string}, CancellationToken)"/> draws, picture for picture. Call on the device thread.</summary>
    public static SampleGrid DrawFirstRows(LoadedModel model, IReadOnlyList<string> prompts, CancellationToken cancellationToken)
    {
        using var scope = torch.NewDisposeScope();
        return Draw(model, prompts, model.Manifest.Routing, model.Manifest.Routing, Note(model.Manifest.Routing, standard: true, prompts), null, cancellationToken, rows: FirstRows);
    }

    private static SampleGrid Draw(
        LoadedModel model, IReadOnlyList<string> prompts, string strategy, string title, string note, int? expert, CancellationToken cancellationToken,
        int mostColumns = MostColumns, int perColumn = PicturesPerClass, int? rows = null)
    {
        var classes = model.Ensemble.NullLabel is { } none ? Math.Min((int)none, mostColumns) : 0;
        var columns = prompts.Count > 0 ? prompts.Count : classes > 0 ? classes : Math.Min(mostColumns, PicturesWithoutClasses / perColumn);
        var count = columns * (rows ?? perColumn);
        using var text = prompts.Count > 0 ? model.Captions!.Encode([.. Enumerable.Range(0, count).Select(i => prompts[i % columns])]) : null;
        using var result = model.Sampler().Sample(
            new SampleRequest
            {
                Seeds = [.. Enumerable.Range(FirstSeed, count).Select(s => (long)s)],
                Labels = classes > 0 ? [.. Enumerable.Range(0, count).Select(i => (long)(i % columns))] : null,
                Text = text,
                Steps = model.Manifest.Sampling.Steps,
                Guidance = classes > 0 || text is not null ? model.Manifest.Sampling.Guidance : 1,
                Solver = model.Manifest.Sampling.Solver,
                Shift = model.Manifest.Sampling.Shift,
                Strategy = RoutingStrategy.Parse(strategy),
                Oracle = expert is { } k ? [.. Enumerable.Repeat(k, count)] : null,
            },
            progress: null,
            cancellationToken);
        var seeds = string.Create(CultureInfo.InvariantCulture, $"{FirstSeed} to {FirstSeed + count - 1}");
        return new SampleGrid(title, Drawings.Grid(result, columns), note, seeds);
    }

    private static string Note(string strategy, bool standard, IReadOnlyList<string> prompts) => (strategy, standard) switch
    {
        (_, true) when prompts.Count > 0 => $"the model's default strategy; one column each: {string.Join(" · ", prompts)}",
        (_, true) => "the model's default strategy; one column a class where there are classes",
        ("top-1", _) => "the likeliest expert at every step",
        ("full", _) => "all experts, weighted by the router at every step",
        _ => "",
    };
}
