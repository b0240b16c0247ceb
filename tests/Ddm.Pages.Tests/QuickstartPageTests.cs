using Ddm.Tests;

namespace Ddm.Pages.Tests;

/// <summary>The quickstart as the page offers it, from the button to pictures.</summary>
public class QuickstartPageTests
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(40);

    /// <param name="experts">Steps of every expert; the quickstart has 1,250, which take six minutes of two quiet cores and much longer of busy ones.</param>
    /// <param name="router">Steps of the router; the quickstart has 400.</param>
    /// <param name="sampling">Steps of a drawing; the quickstart has 40, and its evaluation draws hundreds of pictures.</param>
    /// <param name="grids">Pictures on the way at least.</param>
    [Theory]
    [Trait("Category", "Long")]
    [InlineData(60, 60, 8, 2)]
    [InlineData(1250, 400, 40, 5)]
    public async Task TheQuickstartIsSubmittedWatchedToItsEndAndDrawnFrom(int experts, int router, int sampling, int grids)
    {
        using var files = new TinyFolder();
        await using var hosts = await PageHosts.StartAsync(files, SamplesFolder());

        var told = await Chromium.PlayAsync("quickstart", Longest, new Dictionary<string, object?>
        {
            ["runs"] = hosts.Control.Address.AbsoluteUri, ["key"] = PageHosts.Key, ["minutes"] = Longest.TotalMinutes - 2, ["most"] = PageHosts.MostSteps,
            ["change"] = new[] { new[] { "steps: 1250", $"steps: {experts}" }, ["steps: 400", $"steps: {router}"], ["sampling:\n  steps: 40", $"sampling:\n  steps: {sampling}"] },
        });

        Assert.Equal(4, told.GetProperty("sheets").GetInt32());
        Assert.Equal(5, told.GetProperty("curves").GetInt32());
        Assert.True(told.GetProperty("grids").GetInt32() >= grids, told.ToString());
        Assert.Equal(4, told.GetProperty("bars").GetInt32());
        Assert.True(told.GetProperty("parts").GetInt32() > 4 * sampling, told.ToString()); // more than one expert a step
        Assert.True(told.GetProperty("takenBack").GetBoolean());
        await hosts.AtRestAsync();
    }

    private static string SamplesFolder()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "DdmAspire.sln")))
        {
            folder = folder.Parent ?? throw new DirectoryNotFoundException("The repository's samples are not there.");
        }

        return Path.Combine(folder.FullName, "samples");
    }
}
