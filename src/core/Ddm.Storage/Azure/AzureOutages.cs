using Azure.Core;
using Azure.Core.Pipeline;

namespace Ddm.Storage;

/// <summary>Sees every try, and whether it was answered; to be added for each retry.</summary>
internal sealed class AzureOutages(StoreOutages outages) : HttpPipelinePolicy
{
    public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        try
        {
            await ProcessNextAsync(message, pipeline);
        }
        catch (Exception) when (!message.CancellationToken.IsCancellationRequested) // a caller that does not wait any longer says nothing about the store
        {
            outages.Miss();
            throw;
        }

        outages.Answer();
    }

    public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        try
        {
            ProcessNext(message, pipeline);
        }
        catch (Exception) when (!message.CancellationToken.IsCancellationRequested)
        {
            outages.Miss();
            throw;
        }

        outages.Answer();
    }
}
