using Ddm.Tests;

namespace Ddm.Pages.Tests;

/// <summary>The quickstart as the page offers it, from the button to pictures.</summary>
public class QuickstartPageTests
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(40);

    [Fact]
    [Trait("Category", "Long")]
    public async Task TheQuickstartIsSubmittedWatchedToItsEndAndDrawnFrom()
    {
        using var files = new TinyFolder();
        await using var hosts = await PageHosts.StartAsync(files, SamplesFolder());

        var told = await Chromium.PlayAsync("quickstart", Longest, new Dictionary<string, object?>
        {
            ["runs"] = hosts.Control.Address.AbsoluteUri, ["key"] = PageHosts.Key, ["minutes"] = Longest.TotalMinutes - 2, ["most"] = PageHosts.MostSteps,
        });

        Assert.Equal(4, told.GetProperty("sheets").GetInt32());
        Assert.Equal(5, told.GetProperty("curves").GetInt32());
        Assert.True(told.GetProperty("grids").GetInt32() >= 5, told.ToString());
        Assert.Equal(4, told.GetProperty("bars").GetInt32());
        Assert.True(told.GetProperty("parts").GetInt32() > 4 * 40, told.ToString()); // more than one expert a step
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
