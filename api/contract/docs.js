// Swagger UI over the document of this server. Whoever logs in on the page is
// logged in for the calls that follow.
const ui = SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: 'none',
  filter: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  responseInterceptor(response) {
    const token = response.headers?.['custom-token']
    if (token) ui.preauthorizeApiKey('session', token)
    return response
  },
})
