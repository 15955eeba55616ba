"""The MSE dialect: MseIngressConfig, and Ingresses with annotations of NGINX, MSE and Higress."""
