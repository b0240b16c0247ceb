using System.Net;
using System.Net.Http.Json;
using Ddm.Tests;

namespace Ddm.Gateway.Tests;

/// <summary>Ten thousand requests, a tenth of them hung up on and a tenth of them wrong.</summary>
public class SoakTests(TinyModel model)
{
    private const int Requests = 10_000;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Category", "Long")]
    public async Task TenThousandRequestsLeaveNothingBehind()
    {
        await using var gateway = await GatewayServer.StartAsync(model, ("Ddm:Gateway:RequestsPerMinute", "1000000"), ("Ddm:Gateway:MaxWaiting", "1000"));
        string[] wrong = [.. BadInputTests.Mistakes().Select(row => row.Body).Where(body => body.Length < 1000)];
        var (next, drawn, refused, hungUp) = (0, 0, 0, 0);
        var marks = new List<long>();

        await Task.WhenAll(Enumerable.Range(0, 24).Select(async _ =>
        {
            while (Interlocked.Increment(ref next) is var i && i <= Requests)
            {
                if (i % (Requests / 10) == 0)
                {
                    GC.Collect();
                    lock (marks)
                    {
                        marks.Add(Environment.WorkingSet);
                    }
                }

                using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
                if (i % 10 == 3)
                {
                    using var response = await gateway.SendTextAsync(wrong[i / 10 % wrong.Length]);
                    await GatewayServer.ErrorAsync(response, HttpStatusCode.BadRequest);
                    Interlocked.Increment(ref refused);
                }
                else if (i % 10 == 7)
                {
                    patience.CancelAfter(i % 40);
                    try
                    {
                        using var response = await gateway.SendAsync(new { prompt = "1", num_inference_steps = 200 }, patience.Token);
                    }
                    catch (OperationCanceledException) when (!Token.IsCancellationRequested)
                    {
                        Interlocked.Increment(ref hungUp);
                    }
                }
                else
                {
                    using var response = await gateway.Client.PostAsJsonAsync("/v1/images/generations", new { prompt = "0", n = 1 + (i % 3), num_inference_steps = 1 + (i % 4) }, Token);
                    Assert.Equal(HttpStatusCode.OK, response.StatusCode);
                    Interlocked.Increment(ref drawn);
                }
            }
        }));

        await Waiting.ForAsync("nothing left", TimeSpan.FromSeconds(5), _ => Task.FromResult(gateway.Engine is { Active: 0, Waiting: 0 }));
        TestContext.Current.TestOutputHelper?.WriteLine($"{drawn} drawn, {refused} refused, {hungUp} hung up; memory {string.Join(", ", marks.Select(bytes => bytes >> 20))} MB");
        Assert.Equal(Requests / 10, refused);
        Assert.True(drawn >= Requests * 8 / 10);
        Assert.True(marks[^1] < marks[1] * 1.25, $"memory grew: {string.Join(", ", marks)}");
    }
}
